import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { DATA, ERRORS, REASON, toEnvelope } from '../support/envelope-text.ts';
import { type RestReply, startRestService } from '../support/rest-service.ts';
import { FRONT_ENDS } from './front-ends/front-ends.ts';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';

const REFUSAL: RestReply = {
  status: 400,
  headers: { 'Content-Type': 'application/json' },
  body: toEnvelope('json', ERRORS.set, DATA.absent),
};

test.each(Object.entries(FRONT_ENDS))(
  'a front end with %s creates a task once, and tells a refused task from one that may exist',
  async (_name, createFrontEnd) => {
    let reply: 'created' | 'refused' | 'none' = 'created';
    const service = await startRestService({
      answer() {
        if (reply === 'none') throw new Error('The service hangs up.');
        return reply === 'refused' ? REFUSAL : null;
      },
    });
    onTestFinished(() => service.close());
    const gateway = startCli(['serve'], { UPSTREAM_URL: service.url.href, DATABASE_URL: temporaryDatabase() });
    const url = new URL('graphql', await gateway.address()).href;
    const frontEnd = createFrontEnd({ url, authorization: 'Bearer caller-1' });

    const created = await frontEnd.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-1' });
    expect(created).toMatchObject({
      kind: 'created',
      payload: { replayed: false, accountTask: { id: service.tasks[0]?.['ID'], startDate: SAMPLE_INPUT.startDate } },
    });
    const again = await frontEnd.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-1' });
    expect(again).toMatchObject({ kind: 'created', payload: { replayed: true, accountTask: { name: 'Task' } } });
    expect(service.requests).toHaveLength(1);

    reply = 'refused';
    const refused = await frontEnd.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-2' });
    expect(refused).toEqual({
      kind: 'failed',
      failure: {
        message: REASON,
        code: 'TASK_REJECTED',
        outcome: 'REJECTED',
        retryable: false,
        errorCode: 'E17',
        errorReason: REASON,
        requestId: expect.any(String) as unknown,
      },
    });

    reply = 'none';
    const lost = { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN', retryable: false };
    const unknown = await frontEnd.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-3' });
    expect(unknown).toMatchObject({ kind: 'failed', failure: lost });
    reply = 'created';
    const stillUnknown = await frontEnd.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-3' });
    expect(stillUnknown).toMatchObject({ kind: 'failed', failure: lost });
    expect(service.requests).toHaveLength(3);

    gateway.kill('SIGTERM');
    await gateway.exit;
    const unanswered = await frontEnd.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-4' });
    expect(unanswered).toMatchObject({ kind: 'failed', failure: { code: 'NO_ANSWER', outcome: 'UNKNOWN' } });
  },
);

test('all installed packages share one copy of graphql', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
    readonly packages: Readonly<Record<string, unknown>>;
  };
  expect(Object.keys(lock.packages).filter((path) => /(?:^|\/)node_modules\/graphql$/.test(path))).toEqual([
    'node_modules/graphql',
  ]);
});

const MANIFEST = fileURLToPath(new URL('../../trusted-documents.json', import.meta.url));

/** Writes the manifest with the prefix sha256:, as the generator can name documents. */
function writePrefixedManifest(): string {
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as Readonly<Record<string, string>>;
  const file = join(temporaryFolder(), 'manifest.json');
  writeFileSync(
    file,
    JSON.stringify(Object.fromEntries(Object.entries(manifest).map(([id, text]) => [`sha256:${id}`, text]))),
  );
  return file;
}

describe.each([
  ['bare hashes', () => MANIFEST],
  ['prefixed hashes', writePrefixedManifest],
])('with a manifest of %s', (_manifest, manifest) => {
  test.each(Object.entries(FRONT_ENDS))(
    'a front end with %s creates a task by the hash of its document',
    async (_name, createFrontEnd) => {
      const service = await startRestService();
      onTestFinished(() => service.close());
      const gateway = startCli(['serve'], {
        UPSTREAM_URL: service.url.href,
        DATABASE_URL: temporaryDatabase(),
        TRUSTED_DOCUMENTS: manifest(),
      });
      const endpoint = { url: new URL('graphql', await gateway.address()).href, authorization: 'Bearer caller-1' };
      const trusting = createFrontEnd(endpoint, 'hash');

      const created = await trusting.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-1' });
      expect(created).toMatchObject({
        kind: 'created',
        payload: { replayed: false, accountTask: { id: service.tasks[0]?.['ID'] } },
      });
      const again = await trusting.createTask({ input: SAMPLE_INPUT, idempotencyKey: 'key-1' });
      expect(again).toMatchObject({ kind: 'created', payload: { replayed: true } });

      const bad = await trusting.createTask({ input: { ...SAMPLE_INPUT, taskId: 'x' } });
      expect(bad).toMatchObject({ kind: 'failed', failure: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' } });

      const refused = await createFrontEnd(endpoint).createTask({ input: SAMPLE_INPUT });
      expect(refused).toMatchObject({
        kind: 'failed',
        failure: { code: 'PERSISTED_QUERY_ID_REQUIRED', outcome: 'NOT_SENT', retryable: false },
      });
      expect(service.requests).toHaveLength(1);
    },
  );
});
