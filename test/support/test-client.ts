import { onTestFinished } from 'vitest';
import {
  createUpstreamClient,
  type UpstreamClient,
  type UpstreamClientOptions,
  type UpstreamRequest,
} from '../../src/upstream/client.ts';
import type { UpstreamAnswer } from '../../src/upstream/exchange.ts';
import { type RawAnswer, type RawService, startRawService } from './raw-service.ts';

export interface TestClient extends UpstreamClient {
  /** A whole call, as a create is one: it takes a place, sends, and gives the place back. */
  post(request: UpstreamRequest): Promise<UpstreamAnswer>;
}

/** A client that is closed when the test is over. */
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
    async post(request) {
      const { caller = '' } = request;
      const admission = client.admit(caller);
      const refusal = admission && (await admission);
      if (refusal) throw refusal;
      return client.postAdmitted(request).finally(() => client.release(caller));
    },
  };
}

/** A raw service that is closed when the test is over. */
export async function openRawService(answer: RawAnswer, port?: number): Promise<RawService> {
  const service = await startRawService(answer, port);
  onTestFinished(() => service.close());
  return service;
}

/** A request as small as can be. */
export const SMALL_POST = { path: 'tasks', headers: { 'Content-Type': 'application/json' }, body: '{}' };
