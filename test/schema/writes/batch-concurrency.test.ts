import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../../src/app/open-backend.ts';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { Log } from '../../../src/telemetry/log.ts';
import { startGateway } from '../../support/running-gateway.ts';
import { DATABASES } from '../../support/databases.ts';
import { startRestService } from '../../support/rest-service.ts';
import { createBatch, item, items } from '../../support/batch.ts';
import { startCountedGateway } from '../counted-gateway.ts';
import { partialTaskService } from '../../support/partial-task-service.ts';

/** The maximum number of concurrent creates of a batch at the service. */
const UPSTREAM_CONCURRENCY = 16;

test.each(DATABASES)('a batch in the store on %s is one transaction', async (kind) => {
  const gateway = await startCountedGateway(kind);
  await createBatch(gateway, items(1)); // the first batch reads the token from the database
  gateway.takeCounts();
  const mixed = [...items(98), item('refused', { taskId: 'ffffffff-ffff-4fff-8fff-ffffffffffff' }), item('{"broken":')];
  const results = await createBatch(
    gateway,
    mixed.map((one, index) => ({ ...one, idempotencyKey: `key ${index}` })),
  );
  expect(results.filter(({ __typename }) => __typename === 'CreateAccountTaskPayload')).toHaveLength(98);
  expect(gateway.takeCounts()).toEqual({ commits: 1, reads: 0 });
});

test(`a batch for the service keeps ${UPSTREAM_CONCURRENCY} requests in flight, and never more`, async () => {
  let underWay = 0;
  let most = 0;
  const enough = Promise.withResolvers<void>();
  const service = await startRestService({
    async answer() {
      underWay += 1;
      most = Math.max(most, underWay);
      if (underWay === UPSTREAM_CONCURRENCY) enough.resolve();
      await enough.promise;
      // Leaves time for one more request to arrive, which would be a fault.
      await delay(20);
      underWay -= 1;
      return null;
    },
  });
  onTestFinished(() => service.close());
  const gateway = await startGateway(openBackend, {
    env: { UPSTREAM_URL: service.url.href, RECORD: 'off' },
    authorization: 'Bearer caller-1',
  });
  onTestFinished(() => gateway.close());
  const results = await createBatch(gateway, items(40));
  expect(results.map((result) => result.accountTask?.parameters)).toEqual(
    items(40).map(({ input }) => input['parameters']),
  );
  expect(service.requests).toHaveLength(40);
  expect(most).toBe(UPSTREAM_CONCURRENCY);
});

test('a batch succeeds even if UPSTREAM_MAX_IN_FLIGHT is below its concurrency', async () => {
  const service = await startRestService();
  onTestFinished(() => service.close());
  const gateway = await startGateway(openBackend, {
    env: { UPSTREAM_URL: service.url.href, RECORD: 'off', UPSTREAM_MAX_IN_FLIGHT: '2' },
    authorization: 'Bearer caller-1',
  });
  onTestFinished(() => gateway.close());
  const results = await createBatch(gateway, items(20));
  expect(results.filter(({ __typename }) => __typename !== 'CreateAccountTaskPayload')).toEqual([]);
  expect(service.requests).toHaveLength(20);
});

test('failures of items are logged with the request ID: known ones with their cause, defects in full but masked in the answer', async () => {
  const cause = new Error('at 10.0.0.1');
  const defect = new Error('SELECT * FROM secret');
  const logged: object[] = [];
  const note = (level: string) => (facts: object, sentence: string) => void logged.push({ level, facts, sentence });
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const tasks = partialTaskService({
    async create({ Parameters }) {
      if (Parameters === '1') throw defect;
      throw new TaskFailure({ code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' }, 'It failed.', { cause });
    },
  });
  const gateway = await startGateway(
    () => ({
      tasks,
      authenticate: async () => ({ kind: 'forwarded', authorization: 'Bearer x' }),
      issueToken: null,
      batchConcurrency: 2,
    }),
    { log },
  );
  onTestFinished(() => gateway.close());
  const results = await createBatch(gateway, items(2), { 'x-request-id': 'trace-44' });
  const FAILURE = {
    __typename: 'CreateAccountTaskFailure',
    errorCode: null,
    errorReason: null,
    retryable: false,
    requestId: 'trace-44',
  } as const;
  expect(results).toEqual([
    { ...FAILURE, message: 'It failed.', code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' },
    { ...FAILURE, message: 'Unexpected error.', code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN' },
  ]);
  expect(logged).toEqual(
    expect.arrayContaining([
      {
        level: 'warn',
        facts: { requestId: 'trace-44', code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN', err: cause },
        sentence: 'It failed.',
      },
      { level: 'error', facts: { requestId: 'trace-44', err: defect }, sentence: 'unexpected error' },
    ]),
  );
});
