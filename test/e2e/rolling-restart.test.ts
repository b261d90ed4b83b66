import { expect, test } from 'vitest';
import { emptyDatabase } from '../support/databases.ts';
import { startBalancer } from './support/balancer.ts';
import { startCli } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';
import { startSteadyLoad } from './support/steady-load.ts';

const CREATES_BETWEEN = 20;
/** Much longer than the balancer needs to notice, even on a busy machine. */
const DRAIN_MS = '3000';

test('no create fails or happens twice while two gateways behind a balancer restart one after the other', async () => {
  const databaseUrl = await emptyDatabase('PostgreSQL');
  const caller = createCaller(await seedStore(databaseUrl));
  const balancer = await startBalancer();
  const start = async () => {
    const gateway = startCli(['serve'], { DATABASE_URL: databaseUrl, DRAIN_MS });
    balancer.add(await gateway.address());
    return gateway;
  };
  const gateways = [await start(), await start()];
  await expect.poll(() => balancer.readyCount()).toBe(2);
  const load = startSteadyLoad(caller, balancer.url);
  await load.untilMore(CREATES_BETWEEN);
  for (const gateway of gateways) {
    gateway.kill('SIGTERM');
    expect(await gateway.exit).toMatchObject({ code: 0, signal: null });
    await load.untilMore(CREATES_BETWEEN);
    await start();
    await expect.poll(() => balancer.readyCount()).toBe(2);
  }
  await load.untilMore(CREATES_BETWEEN);
  const { sent, failures, lost, doubled } = await load.stop();
  console.log(
    `rolling restart: ${sent} creates with a key, failed = ${failures.length}, ` +
      `lost = ${lost.length}, doubled = ${doubled.length}`,
  );
  expect({ failures, lost, doubled, unpassed: balancer.failures() }).toEqual({
    failures: [],
    lost: [],
    doubled: [],
    unpassed: 0,
  });
}, 120_000);
