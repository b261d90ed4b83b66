import { expect, onTestFinished, test } from 'vitest';
import { holdWriteLock } from '../support/lock-holder.ts';
import { startRestService } from '../support/rest-service.ts';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';

test('a gateway whose database is locked still returns the service’s answers and stays responsive', async () => {
  const service = await startRestService();
  onTestFinished(() => service.close());
  const databaseUrl = temporaryDatabase();
  const caller = createCaller('Bearer of-the-service');
  const env = { UPSTREAM_URL: service.url.href, UPSTREAM_TIMEOUT_MS: '2000', DATABASE_URL: databaseUrl };
  const address = await startCli(['serve'], env).address();
  const lock = await holdWriteLock(databaseUrl.slice('sqlite:'.length));

  const creates = ['1', '2', '3'].map((parameters) => caller.create(address, parameters));
  const keyed = caller.create(address, '4', 'key-4');
  await expect.poll(() => service.requests.length).toBe(3);
  expect((await fetch(new URL('health', address))).status).toBe(200);
  expect(await keyed).toMatchObject({ failure: 'STORE_UNAVAILABLE NOT_SENT' });
  const verdicts = await Promise.all(creates);
  expect(verdicts).toMatchObject(creates.map(() => ({ kind: 'created', replayed: false })));
  expect(service.requests).toHaveLength(3);

  await lock.release();
  const ids = verdicts.flatMap((verdict) => (verdict.kind === 'created' ? [verdict.id] : []));
  await expect
    .poll(async () => (await caller.list(address)).map(({ id }) => id).toSorted(), { timeout: 10_000 })
    .toEqual(ids.toSorted());
});

test('a store locked by another process still reads, and a create waits for the lock', async () => {
  const databaseUrl = temporaryDatabase();
  const caller = createCaller(await seedStore(databaseUrl));
  const address = await startCli(['serve'], { DATABASE_URL: databaseUrl }).address();
  const lock = await holdWriteLock(databaseUrl.slice('sqlite:'.length));
  const create = caller.create(address, '1');
  expect(await caller.list(address)).toEqual([]);
  await lock.release();
  expect(await create).toMatchObject({ kind: 'created' });
});
