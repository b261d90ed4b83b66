import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { DATA, ERRORS, ID, REASON, toEnvelope } from '../support/envelope-text.ts';
import { COMPOSERS } from '../support/federated-graph.ts';
import { freePort } from '../support/free-port.ts';
import { httpAnswer, type RawAnswer, startRawService } from '../support/raw-service.ts';
import { ROUTED_WRITES } from '../support/routed-writes.ts';
import { startGateway } from '../support/running-gateway.ts';

const HIVE_GATEWAY = fileURLToPath(new URL('node_modules/.bin/hive-gateway', import.meta.url));
const SDL = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');

let answer: RawAnswer = (socket) => socket.destroy();
const service = await startRawService((...request) => answer(...request));
const gateway = await startGateway(openBackend, {
  env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
});
const port = await freePort();
const folder = mkdtempSync(join(tmpdir(), 'hive-gateway-'));
const router = startRouter();
afterAll(async () => {
  router.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([gateway.close(), service.close()]);
});
beforeAll(async () => {
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/readiness`).then(
      ({ ok }) => ok,
      () => false,
    );
  await vi.waitUntil(isReady, { timeout: 100_000, interval: 200 });
});

/** Starts Hive Gateway with its default settings, except that it passes the caller's credentials on. */
function startRouter() {
  const url = new URL('graphql', gateway.url).href;
  const { supergraphSdl = '' } = COMPOSERS['The Guild']?.([{ name: 'account-tasks', sdl: SDL, url }]) ?? {};
  writeFileSync(join(folder, 'supergraph.graphql'), supergraphSdl);
  writeFileSync(
    join(folder, 'gateway.config.mjs'),
    `export const gatewayConfig = { supergraph: './supergraph.graphql', propagateHeaders: {
      fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') ?? '' }),
    } };`,
  );
  const args = ['supergraph', '-c', 'gateway.config.mjs', '-h', '127.0.0.1', '-p', String(port)];
  return spawn(process.execPath, [HIVE_GATEWAY, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function send(query: string, variables: object, next: RawAnswer) {
  answer = next;
  const before = service.posts.length;
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer caller-1' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as {
    readonly data?: { readonly write?: unknown } | null;
    readonly errors?: readonly { readonly extensions?: object }[];
  };
  return { written: data?.write, errors, posts: service.posts.length - before };
}

describe.each(ROUTED_WRITES)('$name through Hive Gateway', ({ plain, tried, variables, isRetryable }) => {
  test.each<readonly [string, RawAnswer, object]>([
    [
      'a refusal',
      (socket) => socket.write(httpAnswer(400, toEnvelope('json', ERRORS.set, DATA.absent), [])),
      { code: 'TASK_REJECTED', outcome: 'REJECTED', retryable: false, errorCode: 'E17', errorReason: REASON },
    ],
    [
      'a lost connection',
      (socket) => socket.resetAndDestroy(),
      { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN', retryable: isRetryable },
    ],
  ])('passes %s on as data, and the service gets one request', async (_name, next, facts) => {
    const { written, errors, posts } = await send(tried, variables, next);
    expect(errors).toBeUndefined();
    expect(written).toMatchObject({ ...facts, requestId: expect.stringMatching(/./) as unknown });
    expect(posts).toBe(1);
  });

  test('passes the extensions of an error on, and the service gets one request', async () => {
    const { errors, posts } = await send(plain, variables, (socket) => socket.resetAndDestroy());
    const facts = { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN', retryable: isRetryable };
    expect(errors?.[0]?.extensions).toMatchObject(facts);
    expect(posts).toBe(1);
  });
});

test('createClient shows its secret through Hive Gateway', async () => {
  const { plain, variables } = ROUTED_WRITES.find(({ name }) => name === 'createClient') ?? {};
  const body = JSON.stringify({ ResponseData: { Detail: { ID, Secret: 'shown once' } } });
  const { written, errors } = await send(plain ?? '', variables ?? {}, (socket) => socket.write(httpAnswer(200, body)));
  expect(errors).toBeUndefined();
  expect(written).toEqual({ secret: 'shown once', client: { id: ID } });
});
