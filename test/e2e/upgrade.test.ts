import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { examine } from '../../src/commands/doctor/doctor.ts';
import { MIGRATIONS, NEWEST_MIGRATION, migrate } from '../../src/store/sql/migrations.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { administer, DATABASES, openTemporary, emptyDatabase } from '../support/databases.ts';
import { startRestService } from '../support/rest-service.ts';
import { runCli, startCli } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';
import { startSteadyLoad } from './support/steady-load.ts';

const OLD_DATABASE = readFileSync(new URL('../store/sql/version-1.sql', import.meta.url), 'utf8');
const FORWARDING_DATABASE = readFileSync(new URL('../store/sql/version-2.sql', import.meta.url), 'utf8');
/** A header that the old gateway forwarded, and the task that it created. */
const FORWARDED = { authorization: 'Bearer <jwt>', id: '09370b9c-e037-43d2-8cc6-e89e208c0581' };
/** The output of the old program when it created its client. */
const OLD_CLIENT = {
  id: '01a20e20-f760-7784-911a-86c68107a8b1',
  secret: 'b-c6aPWtp3zPsMLjAMEdP6NWV49v9JLrallZnQnQO3Q',
};
/** Its answer to a query for its tasks. */
const OLD_TASKS = [
  { id: '01a20e21-17c5-7654-ad6a-a4993eb0f76f', parameters: '{"report":"ü"}', at: '19.525' },
  { id: '01a20e21-1790-746a-b02f-506d8f77939c', parameters: '{"report":"usage"}', at: '19.471' },
].map(({ id, parameters, at }) => ({
  id,
  taskId: '86cb791c-8078-41ae-a045-5dded04c9589',
  name: 'Usage report',
  enabled: true,
  frequency: 'DAILY',
  startDate: '2026-02-22T04:10:00.9543747+02:00',
  finishDate: null,
  parameters,
  contentType: 'APPLICATION_JSON',
  notification: 'NONE',
  dateCreated: `2026-11-24T15:16:${at}+00:00`,
  dateModified: `2026-11-24T15:16:${at}+00:00`,
  lastModifiedBy: 'reports',
  status: 'REGISTERED',
  clientId: OLD_CLIENT.id,
}));

/** A change that a newer program may make to a database in use by older ones: an addition. */
const ADDED = [
  [
    "ALTER TABLE account_tasks ADD COLUMN labels TEXT NOT NULL DEFAULT ''",
    'CREATE INDEX account_tasks_by_label ON account_tasks (account_id, labels)',
  ],
  [
    'ALTER TABLE clients ADD COLUMN contact TEXT',
    'CREATE TABLE labels (id TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES clients (id))',
  ],
  ['ALTER TABLE idempotency_keys ADD COLUMN seen_at TEXT'],
].map((statements, index) => ({ number: NEWEST_MIGRATION + 1 + index, statements }));

async function restore(databaseUrl: string, sql: string): Promise<void> {
  if (!databaseUrl.startsWith('sqlite:')) return void (await administer(databaseUrl, sql));
  const handle = new DatabaseSync(databaseUrl.slice('sqlite:'.length));
  handle.exec(sql);
  handle.close();
}

/** The database of a gateway that forwarded two creates, minutes ago. */
function forwardingDatabase(): string {
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  return `${FORWARDING_DATABASE}
    UPDATE idempotency_keys SET expires_at = '${soon}';`;
}

async function askForToken(address: URL, { id, secret }: typeof OLD_CLIENT): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret });
  const response = await fetch(new URL('Token', address), { method: 'POST', body });
  return ((await response.json()) as { readonly access_token: string }).access_token;
}

async function schemaFinding(databaseUrl: string): Promise<unknown> {
  return (await examine({ DATABASE_URL: databaseUrl })).find(({ subject }) => subject === 'schema');
}

describe.each(DATABASES)('an old database in %s', (kind) => {
  test('an old database is migrated at the start and keeps its clients and tasks', async () => {
    const databaseUrl = await emptyDatabase(kind);
    await restore(databaseUrl, OLD_DATABASE);
    expect(await schemaFinding(databaseUrl)).toMatchObject({
      state: 'ok',
      fact: `version 1; the gateway migrates it to version ${NEWEST_MIGRATION} at startup`,
    });
    const address = await startCli(['serve'], { DATABASE_URL: databaseUrl }).address();
    const caller = createCaller(`Bearer ${await askForToken(address, OLD_CLIENT)}`);
    expect(await caller.list(address)).toEqual(OLD_TASKS);
    const created = await caller.create(address, '{}', 'a key');
    expect(created).toMatchObject({ kind: 'created', replayed: false });
    expect(await caller.create(address, '{}', 'a key')).toEqual({ ...created, replayed: true });
    expect(await schemaFinding(databaseUrl)).toMatchObject({ fact: `version ${NEWEST_MIGRATION}, up to date` });
  });
});

test.each(DATABASES)('on %s, old keys and records of a forwarded header still belong to it', async (kind) => {
  const service = await startRestService();
  onTestFinished(() => service.close());
  const databaseUrl = await emptyDatabase(kind);
  await restore(databaseUrl, forwardingDatabase());
  const gateway = startCli(['serve'], { DATABASE_URL: databaseUrl, UPSTREAM_URL: service.url.href });
  const address = await gateway.address();
  const caller = createCaller(FORWARDED.authorization);
  const again = await caller.create(address, SAMPLE_INPUT.parameters, 'a key');
  expect(again).toEqual({ kind: 'created', id: FORWARDED.id, replayed: true });
  expect((await caller.list(address)).map((task) => task.id)).toEqual([FORWARDED.id]);
  expect(service.requests).toEqual([]);
});

test('no create fails while a newer program adds to the schema, and only a start of the older one is refused', async () => {
  const databaseUrl = await emptyDatabase('PostgreSQL');
  const caller = createCaller(await seedStore(databaseUrl));
  const gateway = startCli(['serve'], { DATABASE_URL: databaseUrl });
  const address = await gateway.address();
  const load = startSteadyLoad(caller, address);
  await load.untilMore(20);
  await migrate(await openTemporary(databaseUrl), [...MIGRATIONS, ...ADDED]);
  await load.untilMore(20);
  expect(await load.stop()).toMatchObject({ failures: [], lost: [], doubled: [] });
  expect((await fetch(new URL('ready', address))).status).toBe(200);
  const { code, stderr } = await runCli(['serve'], { DATABASE_URL: databaseUrl });
  const versions = [NEWEST_MIGRATION + ADDED.length, NEWEST_MIGRATION];
  expect(code).toBe(1);
  expect(stderr).toContain(
    `its schema (version ${versions[0]}) is newer than this program supports (version ${versions[1]}); run the newer version of the gateway`,
  );
});
