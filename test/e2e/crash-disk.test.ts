import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../src/store/sql/sqlite.ts';
import { administer, temporaryPostgres } from '../support/databases.ts';
import { startRestService } from '../support/rest-service.ts';
import { runCli, startCli, startCliOnSmallDisk, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller, type GraphqlCaller, type Verdict } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';

const DISK_BYTES = 2_097_152;
const ENOUGH_TO_FILL_IT = 100;
const FILLER = 'x'.repeat(100_000);
/** The write version in a SQLite file's header. SQLite does not write to a file of a later version. */
const WRITE_VERSION_OFFSET = 18;
const UNWRITABLE = {
  kind: 'failed',
  failure: 'STORE_UNAVAILABLE NOT_SENT',
  message: 'The task store cannot be written at the moment; nothing was stored.',
};

function parametersOf(number: number): string {
  return JSON.stringify({ number, FILLER });
}

/** Creates tasks until one is refused; returns the verdicts in order. */
async function createUntilRefused(caller: GraphqlCaller, address: URL): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  while (verdicts.length < ENOUGH_TO_FILL_IT) {
    const number = verdicts.length;
    const verdict = await caller.create(address, parametersOf(number), `key-${number}`);
    verdicts.push(verdict);
    if (verdict.kind !== 'created') break;
  }
  return verdicts;
}

function idsOf(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.flatMap((verdict) => (verdict.kind === 'created' ? [verdict.id] : []));
}

/** Moves the write-ahead log into the database, since the disk has no room for it to grow. */
async function makeRoom(databaseUrl: string): Promise<void> {
  const database = await openSqlite(databaseUrl.slice('sqlite:'.length));
  expect(await database.read('PRAGMA wal_checkpoint(TRUNCATE)')).toMatchObject([{ busy: 0 }]);
  await database.close();
}

describe.skipIf(process.platform === 'win32')('on a full disk', () => {
  test('a store on a full disk acknowledges nothing, reports it, and works again when there is room', async () => {
    const databaseUrl = temporaryDatabase();
    const caller = createCaller(await seedStore(databaseUrl));
    const address = await startCliOnSmallDisk(DISK_BYTES, ['serve'], { DATABASE_URL: databaseUrl }).address();
    const verdicts = await createUntilRefused(caller, address);
    const kept = idsOf(verdicts);
    expect(kept.length).toBeGreaterThan(1);
    expect(verdicts.at(-1)).toEqual(UNWRITABLE);
    // Larger than the refused one, whose parameters were stored a second time with its key.
    const larger = JSON.stringify({ FILLER: FILLER.repeat(4) });
    const more = Array.from({ length: 8 }, () => caller.create(address, larger));
    expect(await Promise.all(more)).toEqual(more.map(() => UNWRITABLE));
    expect((await caller.list(address)).map(({ id }) => id).toReversed()).toEqual(kept);

    await makeRoom(databaseUrl);
    const again = await caller.create(address, parametersOf(kept.length), `key-${kept.length}`);
    expect(again).toMatchObject({ kind: 'created', replayed: false });
    const tasks = await caller.list(address);
    expect(tasks.map(({ id }) => id).toReversed()).toEqual([...kept, ...idsOf([again])]);
    expect(tasks.map(({ parameters }) => parameters)).toContain(parametersOf(kept.length));
  });

  test('a gateway on a full disk still returns what the service created, and sends nothing for a key it cannot store', async () => {
    const service = await startRestService();
    onTestFinished(() => service.close());
    const databaseUrl = temporaryDatabase();
    const caller = createCaller('Bearer of-the-service');
    const env = { UPSTREAM_URL: service.url.href, DATABASE_URL: databaseUrl };
    const address = await startCliOnSmallDisk(DISK_BYTES, ['serve'], env).address();
    const verdicts = await createUntilRefused(caller, address);
    const created = idsOf(verdicts);
    expect(created).toEqual(service.tasks.map(({ ID }) => ID));
    expect(verdicts.at(-1)).toMatchObject({ failure: 'STORE_UNAVAILABLE NOT_SENT' });
    expect(service.requests).toHaveLength(created.length);

    expect(await caller.create(address, parametersOf(-1))).toMatchObject({ kind: 'created' });
    const metrics = await (await fetch(new URL('metrics', address))).text();
    expect(metrics).toMatch(/^gateway_unwritten_total\{what="record"\} [1-9]/m);
    expect(metrics).toMatch(/^gateway_unwritten_total\{what="settlement"\} [1-9]/m);

    await makeRoom(databaseUrl);
    const again = await caller.create(address, parametersOf(created.length), `key-${created.length}`);
    expect(again).toMatchObject({ kind: 'created', replayed: false });
    expect((await caller.list(address)).map(({ id }) => id)).toContain(idsOf([again])[0]);
  });
});

test('a read-only SQLite file stops the start with one line that names it', async () => {
  const databaseUrl = temporaryDatabase();
  await seedStore(databaseUrl);
  const path = databaseUrl.slice('sqlite:'.length);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([3]), 0, 1, WRITE_VERSION_OFFSET);
  closeSync(file);
  const { code, stderr } = await runCli(['serve'], { DATABASE_URL: databaseUrl });
  expect(stderr).toBe(`Cannot start: The database "${path}" cannot be opened: the file is read-only.\n`);
  expect(code).toBe(1);
});

test('a PostgreSQL database turned read-only refuses creates, still reads, and creates again afterwards', async () => {
  const databaseUrl = await temporaryPostgres();
  const name = new URL(databaseUrl).pathname.slice(1);
  const caller = createCaller(await seedStore(databaseUrl));
  const address = await startCli(['serve'], { DATABASE_URL: databaseUrl }).address();
  const turn = async (mode: 'on' | 'off'): Promise<void> => {
    await administer(
      databaseUrl,
      `BEGIN READ WRITE; ALTER DATABASE ${name} SET default_transaction_read_only = ${mode}; COMMIT`,
    );
    // A session keeps the mode that it started with.
    await administer(
      databaseUrl,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
  };
  const kept = await caller.create(address, '1', 'key-1');
  await turn('on');
  const during = [caller.create(address, '2', 'key-2'), caller.create(address, '3')];
  expect(await Promise.all(during)).toEqual([UNWRITABLE, UNWRITABLE]);
  expect((await caller.list(address)).map(({ id }) => id)).toEqual(idsOf([kept]));
  await turn('off');
  const again = await caller.create(address, '2', 'key-2');
  expect(again).toMatchObject({ kind: 'created', replayed: false });
  expect((await caller.list(address)).map(({ id }) => id)).toEqual(idsOf([again, kept]));
});
