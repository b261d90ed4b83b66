import { expect, test, vi } from 'vitest';
import { emptyDatabase } from '../support/databases.ts';
import { createLoad } from './support/create-load.ts';
import { startCli } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';
import { startSteadyLoad } from './support/steady-load.ts';
import { signalWorker, untilServing, workerPids } from './support/worker-log.ts';

vi.setConfig({ testTimeout: 120_000 });

const KILLS = 4;
const ANSWERS_BEFORE_KILL = 15;

async function startWorkers(env: Readonly<Record<string, string>> = {}) {
  const databaseUrl = await emptyDatabase('PostgreSQL');
  const caller = createCaller(await seedStore(databaseUrl));
  const gateway = startCli(['serve'], { DATABASE_URL: databaseUrl, WORKERS: '2', ...env });
  const address = await gateway.address();
  await Promise.all([untilServing(gateway, 1), untilServing(gateway, 2)]);
  return { caller, gateway, address };
}

test('a worker killed during a load is replaced, the others go on, and every key is one task', async () => {
  const { caller, gateway, address } = await startWorkers();
  const load = createLoad(caller);
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await load.run(address, ANSWERS_BEFORE_KILL, () => signalWorker(gateway, kill, 'SIGKILL'));
    await load.run(address, ANSWERS_BEFORE_KILL, () => {});
    await untilServing(gateway, kill + 2);
  }
  await load.finish(address);
  const keyed = load.creates.filter(({ key }) => key !== null);
  const again = await Promise.all(keyed.map(({ parameters, key }) => caller.create(address, parameters, key)));
  expect(again).toEqual(keyed.map(({ ids }) => ({ kind: 'created', id: [...ids][0], replayed: true })));
  const { lost, doubled, damaged } = load.compare(await caller.list(address));
  console.log(
    `workers: ${KILLS} killed, ${load.creates.length} creates, ${keyed.length} of them with a key, ` +
      `lost = ${lost.length}, doubled = ${doubled.length}`,
  );
  expect({ lost, doubled, damaged }).toEqual({ lost: [], doubled: [], damaged: [] });
});

test('SIGUSR2 replaces the workers one by one, and no create fails or happens twice', async () => {
  const { caller, gateway, address } = await startWorkers({ DRAIN_MS: '1000' });
  const load = startSteadyLoad(caller, address);
  await load.untilMore(20);
  gateway.kill('SIGUSR2');
  await untilServing(gateway, 4);
  await gateway.output(/"worker":2,"code":0/);
  await load.untilMore(20);
  const { sent, failures, lost, doubled } = await load.stop();
  console.log(`workers replaced one by one: ${sent} creates with a key, failed = ${failures.length}`);
  expect({ failures, lost, doubled }).toEqual({ failures: [], lost: [], doubled: [] });
  expect([...workerPids(gateway).keys()]).toEqual([1, 2, 3, 4]);
  gateway.kill('SIGTERM');
  expect(await gateway.exit).toMatchObject({ code: 0 });
});
