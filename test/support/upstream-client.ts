import { onTestFinished } from 'vitest';
import { createUpstreamClient, type UpstreamClient, type UpstreamClientOptions } from '../../src/upstream/client.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../../src/upstream/exchange.ts';
import { type RawAnswer, type RawService, startRawService } from './raw-service.ts';

export interface TestClient extends UpstreamClient {
  /** Makes a whole call, as a create does: takes a slot, sends the request and releases the slot. */
  post(request: UpstreamRequest): Promise<UpstreamAnswer>;
}

/** Opens a client, and closes it at the end of the test. */
export function openClient(baseUrl: URL, options: Partial<UpstreamClientOptions> = {}): TestClient {
  const client = createUpstreamClient({
    baseUrl,
    access: { tls: {}, proxy: null },
    timeoutMs: 20_000,
    connections: 4,
    maxInFlight: 16,
    maxAnswerBytes: 1024,
    connectRetries: 0,
    ...options,
  });
  onTestFinished(() => client.close());
  return {
    ...client,
    post: (request) => client.admit(request.caller ?? '', () => client.sendAdmitted(request)),
  };
}

/** Starts a raw service, and closes it at the end of the test. */
export async function openRawService(answer: RawAnswer, port?: number): Promise<RawService> {
  const service = await startRawService(answer, port);
  onTestFinished(() => service.close());
  return service;
}

/** A minimal request. */
export const SMALL_POST = {
  operation: { method: 'POST', path: 'tasks', unknownFate: 'the task may have been created' },
  path: 'tasks',
  headers: { 'Content-Type': 'application/json' },
  body: '{}',
} as const satisfies UpstreamRequest;
