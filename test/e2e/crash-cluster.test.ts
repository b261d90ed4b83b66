import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startPostgresServer } from '../support/postgres-server.ts';
import { compareWith, type LoadedCreate } from './support/create-load.ts';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller, type GraphqlCaller } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';

const CREATES = 90;
const CALLERS = 6;
const PAUSE_MS = 100;
/** Failures that are allowed while a gateway or the database is down. */
const HONEST_FAILURES = new Set(['unanswered', 'STORE_UNAVAILABLE NOT_SENT', 'STORE_FAILED UNKNOWN']);

/** Sends creates with a key each, and repeats each at alternating gateways until it is acknowledged. */
function createsWithKeys(): readonly LoadedCreate[] {
  return Array.from({ length: CREATES }, (_, number) => ({
    parameters: JSON.stringify({ number }),
    key: `key-${number}`,
    ids: new Set<string>(),
  }));
}

async function insist(
  caller: GraphqlCaller,
  gateways: readonly URL[],
  creates: readonly LoadedCreate[],
  onAnswers: ReadonlyMap<number, () => void>,
): Promise<ReadonlyMap<string, number>> {
  const waiting = [...creates];
  const failures = new Map<string, number>();
  let answers = 0;
  let turns = 0;
  const sendOnce = async ({ parameters, key, ids }: LoadedCreate): Promise<void> => {
    turns += 1;
    const verdict = await caller.create(gateways[turns % gateways.length] as URL, parameters, key);
    if (verdict.kind === 'created') {
      ids.add(verdict.id);
      answers += 1;
      onAnswers.get(answers)?.();
    } else {
      const failure = verdict.kind === 'failed' ? verdict.failure : 'unanswered';
      failures.set(failure, (failures.get(failure) ?? 0) + 1);
    }
  };
  const work = async (): Promise<void> => {
    for (let create = waiting.shift(); create; create = waiting.shift()) {
      // Both are sent at once, to two gateways.
      await Promise.all([sendOnce(create), sendOnce(create)]);
      while (create.ids.size === 0) {
        await delay(PAUSE_MS);
        await sendOnce(create);
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, work));
  return failures;
}

test('three gateways over PostgreSQL create one task per key while one of them and the server are killed', async () => {
  const server = await startPostgresServer();
  onTestFinished(() => server.close());
  const caller = createCaller(await seedStore(server.url));
  const gateways = [1, 2, 3].map(() => startCli(['serve'], { DATABASE_URL: server.url }));
  const addresses = await Promise.all(gateways.map((gateway) => gateway.address()));
  const creates = createsWithKeys();
  let restarted = Promise.resolve();
  const failures = await insist(
    caller,
    addresses,
    creates,
    new Map([
      [CREATES / 3, () => gateways[0]?.kill('SIGKILL')],
      [
        CREATES,
        () => {
          restarted = server.crash().then(() => server.restart());
        },
      ],
    ]),
  );
  await restarted;
  const tasks = await caller.list(addresses[1] as URL);
  expect(compareWith(creates, tasks)).toEqual({ acknowledged: CREATES, lost: [], doubled: [], damaged: [] });
  expect(tasks).toHaveLength(CREATES);
  expect(failures.get('unanswered')).toBeGreaterThan(0);
  expect([...failures.keys()].filter((failure) => !HONEST_FAILURES.has(failure))).toEqual([]);
  const causes = [...failures].map(([failure, count]) => `${count} × ${failure}`).join(', ');
  console.log(`three gateways, one killed, PostgreSQL killed: ${CREATES} keys, ${tasks.length} tasks (${causes})`);
});

test('two gateways over one SQLite file create one task per key while one of them is killed', async () => {
  const databaseUrl = temporaryDatabase();
  const caller = createCaller(await seedStore(databaseUrl));
  const gateways = [1, 2].map(() => startCli(['serve'], { DATABASE_URL: databaseUrl }));
  const addresses = await Promise.all(gateways.map((gateway) => gateway.address()));
  const creates = createsWithKeys();
  await insist(caller, addresses, creates, new Map([[CREATES / 2, () => gateways[0]?.kill('SIGKILL')]]));
  const tasks = await caller.list(addresses[1] as URL);
  expect(compareWith(creates, tasks)).toEqual({ acknowledged: CREATES, lost: [], doubled: [], damaged: [] });
  expect(tasks).toHaveLength(CREATES);
});
