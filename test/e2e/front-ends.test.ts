import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type RunningGateway, SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { DATA, ERRORS, REASON, toEnvelope } from '../support/envelope-text.ts';
import { type RestReply, startRestService } from '../support/rest-service.ts';
import { openBackend } from '../../src/app/open-backend.ts';
import {
  type CreateAccountTaskInput,
  type Send,
  submitAccountTask,
  type SubmitResult,
} from '../../src/client/account-task-client.ts';
import { memoryStorage } from '../client/demo-gateway.ts';
import { FRONT_ENDS } from './front-ends/front-ends.ts';
import { startAnswerCutter } from './support/answer-cutter.ts';

const REFUSAL: RestReply = {
  status: 400,
  headers: { 'Content-Type': 'application/json' },
  body: toEnvelope('json', ERRORS.set, DATA.absent),
};

const OTHER_INPUT = { ...SAMPLE_INPUT, parameters: '{}' };

/** Submits as one page does, which keeps its keys over all submissions. */
function createPage(send: Send) {
  const storage = memoryStorage();
  return (input: CreateAccountTaskInput = SAMPLE_INPUT): Promise<SubmitResult> =>
    submitAccountTask(send, input, { storage, callerId: 'caller-1', keyLifetimeMs: 3_600_000 });
}

/** Starts a gateway as `serve` does, but in this process. */
async function startServer(env: Readonly<Record<string, string>>): Promise<RunningGateway> {
  const gateway = await startGateway(openBackend, { mode: 'serve', env: { DATABASE_URL: 'sqlite::memory:', ...env } });
  onTestFinished(() => gateway.close());
  return gateway;
}

test.each(Object.entries(FRONT_ENDS))(
  'a front end with %s creates a task once, and tells a refused task from one that may exist',
  async (_name, createSend) => {
    let reply: 'created' | 'refused' | 'none' = 'created';
    const service = await startRestService({
      answer() {
        if (reply === 'none') throw new Error('The service hangs up.');
        return reply === 'refused' ? REFUSAL : null;
      },
    });
    onTestFinished(() => service.close());
    const gateway = await startServer({ UPSTREAM_URL: service.url.href });
    const way = await startAnswerCutter(gateway.url);
    onTestFinished(() => way.close());
    const submit = createPage(createSend({ url: new URL('graphql', way.url).href, authorization: 'Bearer caller-1' }));

    expect(await submit()).toMatchObject({
      kind: 'created',
      replayed: false,
      accountTask: { id: service.tasks[0]?.['ID'], startDate: SAMPLE_INPUT.startDate },
    });
    way.cut(true);
    const unanswered = { kind: 'unknown', failure: { kind: 'unanswered', code: 'NO_ANSWER', outcome: 'UNKNOWN' } };
    expect(await submit()).toMatchObject(unanswered);
    await expect.poll(() => service.tasks).toHaveLength(2);
    way.cut(false);
    expect(await submit()).toMatchObject({ kind: 'created', replayed: true, accountTask: { name: 'Task' } });
    expect(service.requests).toHaveLength(2);

    reply = 'refused';
    expect(await submit()).toEqual({
      kind: 'not-created',
      failure: {
        kind: 'answered',
        message: REASON,
        code: 'TASK_REJECTED',
        outcome: 'REJECTED',
        retryable: false,
        errorCode: 'E17',
        errorReason: REASON,
        requestId: expect.any(String) as unknown,
      },
    });
    expect(await submit({ ...SAMPLE_INPUT, frequency: 'NEVER' as 'NONE' })).toMatchObject({
      kind: 'not-created',
      failure: { kind: 'answered', code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    });

    reply = 'none';
    const lost = { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN', retryable: false };
    expect(await submit()).toMatchObject({ kind: 'unknown', failure: lost });
    reply = 'created';
    expect(await submit()).toMatchObject({ kind: 'unknown', failure: lost });
    expect(service.requests).toHaveLength(4);

    await gateway.close();
    expect(await submit(OTHER_INPUT)).toMatchObject(unanswered);
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
    async (_name, createSend) => {
      const service = await startRestService();
      onTestFinished(() => service.close());
      const { url } = await startServer({ UPSTREAM_URL: service.url.href, TRUSTED_DOCUMENTS: manifest() });
      const endpoint = { url: new URL('graphql', url).href, authorization: 'Bearer caller-1' };
      const send = createSend(endpoint, 'hash');
      let isAnswerLost = true;
      const submit = createPage(async (operation) => {
        const answer = await send(operation);
        if (isAnswerLost) throw new TypeError('fetch failed');
        return answer;
      });
      expect(await submit()).toMatchObject({ kind: 'unknown', failure: { code: 'NO_ANSWER' } });
      isAnswerLost = false;
      expect(await submit()).toMatchObject({
        kind: 'created',
        replayed: true,
        accountTask: { id: service.tasks[0]?.['ID'] },
      });
      expect(await submit({ ...SAMPLE_INPUT, taskId: 'x' })).toMatchObject({
        kind: 'not-created',
        failure: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
      });
      expect(await createPage(createSend(endpoint))()).toMatchObject({
        kind: 'not-created',
        failure: { code: 'PERSISTED_QUERY_ID_REQUIRED', outcome: 'NOT_SENT', retryable: false },
      });
      expect(service.requests).toHaveLength(1);
    },
  );
});
