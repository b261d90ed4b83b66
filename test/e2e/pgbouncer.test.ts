import { expect, test } from 'vitest';
import { administer, temporaryPostgres } from '../support/databases.ts';
import { runCli, startCli } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { throughPgBouncer } from './support/pgbouncer.ts';
import { seedStore } from './support/seeded-store.ts';

test('concurrent creates and reads share the few sessions of PgBouncer in transaction mode and leave no state in them', async () => {
  const direct = await temporaryPostgres();
  await administer(direct, `ALTER DATABASE ${new URL(direct).pathname.slice(1)} SET synchronous_commit = off`);
  const databaseUrl = await throughPgBouncer(direct, 'transaction');
  const caller = createCaller(await seedStore(databaseUrl));
  const address = await startCli(['serve'], { DATABASE_URL: databaseUrl }).address();

  const numbers = Array.from({ length: 60 }, (_, index) => String(index));
  const creates = numbers.map((number) => caller.create(address, number, `key-${number}`));
  const lists = numbers.map(() => caller.list(address));
  const verdicts = await Promise.all(creates);
  await Promise.all(lists);
  expect(verdicts).toMatchObject(numbers.map(() => ({ kind: 'created', replayed: false })));
  const again = await Promise.all(numbers.map((number) => caller.create(address, number, `key-${number}`)));
  expect(again).toMatchObject(verdicts.map((verdict) => ({ ...verdict, replayed: true })));

  const left = `SELECT current_setting('statement_timeout') AS timeout, current_setting('synchronous_commit') AS durability,
    (SELECT COUNT(*) FROM pg_prepared_statements) AS prepared`;
  expect(await administer(databaseUrl, left)).toEqual([{ timeout: '0', durability: 'off', prepared: '0' }]);
  const { code, stdout } = await runCli(['doctor'], { DATABASE_URL: databaseUrl });
  expect({ code, stdout }).toMatchObject({ code: 0 });
});

test('PgBouncer in statement mode, which has no transactions, stops the start with one line', async () => {
  const databaseUrl = await throughPgBouncer(await temporaryPostgres(), 'statement');
  const { code, stderr } = await runCli(['serve'], { DATABASE_URL: databaseUrl });
  expect(stderr).toMatch(
    /^Cannot start: The database ".*" cannot be opened: a connection pooler in between refuses it/,
  );
  expect(code).toBe(1);
});
