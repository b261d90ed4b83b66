import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { Call } from '../../../src/contract/task-service.ts';
import { createStore, openDatabase, type Store } from '../../../src/store/store.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { SAMPLE_TASK_ID } from '../../../src/app/demo.ts';
import { REPORT_TASK, sampleCall } from '../../support/sample-account.ts';

const CALLERS = 16;
const ROUNDS = 3;
const ACKNOWLEDGED_PER_PHASE = 300;

/** Starts callers that create tasks with unique Parameters until `stop`. */
function createAll(store: Store, call: Call) {
  const acknowledged = new Set<string>();
  const failures = new Map<string, unknown>();
  const over = new AbortController();
  const workers = Array.from({ length: CALLERS }, async (_, worker) => {
    for (let round = 0; !over.signal.aborted; round += 1) {
      const Parameters = `"${worker}/${round}"`;
      await store.tasks.create({ ...REPORT_TASK, Parameters }, call).then(
        () => void acknowledged.add(Parameters),
        (error: unknown) => {
          failures.set(Parameters, error);
          return delay(50);
        },
      );
    }
  });
  return {
    acknowledged,
    failures,
    async untilMore(count: number) {
      const enough = acknowledged.size + count;
      while (acknowledged.size < enough) await delay(1);
    },
    async untilFailing(callers: number) {
      const enough = failures.size + callers;
      while (failures.size < enough) await delay(1);
    },
    async stop() {
      over.abort();
      await Promise.all(workers);
    },
  };
}

async function storedParameters(store: Store, call: Call): Promise<readonly unknown[]> {
  const { tasks } = await store.tasks.list({ first: 1_000_000, after: null }, call);
  return tasks.map(({ fields }) => fields.Parameters);
}

test('a PostgreSQL server that crashes under load loses no acknowledged task, and is used again without a restart', {
  timeout: 120_000,
}, async () => {
  const server = await startPostgresServer({ isDurable: true });
  onTestFinished(() => server.close());
  const database = await openDatabase(server.url);
  const store = createStore(database);
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Send the report' });
  const call = await sampleCall(database);
  const creates = createAll(store, call);
  for (let round = 0; round < ROUNDS; round += 1) {
    await creates.untilMore(ACKNOWLEDGED_PER_PHASE);
    await server.crash();
    await creates.untilFailing(CALLERS);
    await expect(store.tasks.checks.database?.()).rejects.toThrow('the server refuses connections');
    await server.restart();
  }
  await creates.untilMore(ACKNOWLEDGED_PER_PHASE);
  await creates.stop();

  const stored = await storedParameters(store, call);
  const isStored = new Set(stored);
  expect(stored).toHaveLength(isStored.size);
  const lost = [...creates.acknowledged].filter((parameters) => !isStored.has(parameters));
  expect(lost).toEqual([]);
  const failures = [...creates.failures].map(([parameters, error]) => ({
    failure: error instanceof TaskFailure ? `${error.code} ${error.outcome}` : error,
    isStored: isStored.has(parameters),
  }));
  const kinds = new Set(failures.map(({ failure }) => failure));
  expect(kinds).toContain('STORE_UNAVAILABLE NOT_SENT');
  kinds.delete('STORE_UNAVAILABLE NOT_SENT');
  kinds.delete('STORE_FAILED UNKNOWN');
  expect([...kinds]).toEqual([]);
  expect(failures.filter((one) => one.isStored && one.failure !== 'STORE_FAILED UNKNOWN')).toEqual([]);
  console.log(
    `${ROUNDS} crashes, ${creates.acknowledged.size} acknowledged, lost = ${lost.length}, ` +
      `${failures.length} failed, ${failures.filter((one) => one.isStored).length} of unknown fate stored`,
  );
  await store.close();
});
