import { setImmediate as endOfTurn } from 'node:timers/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TaskFailure } from '../../src/contract/failure.ts';
import { withSteps } from '../../src/event-loop/request-steps.ts';
import { type Database, DatabaseUnavailableError } from '../../src/store/sql/database.ts';
import { createGroupCommit, type GroupCommit } from '../../src/store/group-commit.ts';
import { openSqlite } from '../../src/store/sql/sqlite.ts';
import { recordSteps } from '../support/recorded-steps.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const REFUSED = new TaskFailure({ code: 'CLIENT_REQUIRED', outcome: 'REJECTED' }, 'no');

interface Notes {
  readonly commits: GroupCommit<string, string>;
  readonly database: Database;
  /** The items of each transaction, in order. */
  readonly batches: readonly (readonly string[])[];
}

/** Opens a database of notes in a file. The note "refused" is refused, and "broken" breaks its transaction. */
async function openNotes({
  maxPending = 1_000,
  maxPendingSize = 1_000_000,
  decorate = (database: Database) => database,
} = {}): Promise<Notes> {
  const database = await openSqlite(join(temporaryFolder(), 'notes.db'));
  onTestFinished(() => database.close());
  await database.transaction((transaction) => transaction.write('CREATE TABLE notes (text TEXT)'));
  const batches: (readonly string[])[] = [];
  const commits = createGroupCommit<string, string>({
    database: decorate(database),
    maxPending,
    sizeOf: (item) => item.length,
    maxPendingSize,
    async write(transaction, items) {
      batches.push(items);
      const accepted = items.filter((item) => item !== 'refused');
      await transaction.insert(
        'notes',
        ['text'],
        accepted.map((item) => [item]),
      );
      if (items.includes('broken')) throw new TypeError('broken');
      return items.map((item) => (item === 'refused' ? REFUSED : `stored ${item}`));
    },
  });
  return { commits, database, batches };
}

async function stored(database: Database): Promise<readonly unknown[]> {
  const rows = await database.read('SELECT text FROM notes ORDER BY rowid');
  return rows.map(({ text }) => text);
}

test('items of one event-loop turn share a transaction, and those of the next turn share another', async () => {
  const { commits, batches } = await openNotes();
  const first = [commits.add('a'), commits.add('b')];
  await Promise.resolve();
  first.push(commits.add('c'));
  expect(await Promise.all(first)).toEqual(['stored a', 'stored b', 'stored c']);
  await Promise.all([commits.add('d'), commits.add('e')]);
  expect(batches).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e'],
  ]);
});

test('a commit is a step of each request that waits for it, and of no other', async () => {
  const { commits } = await openNotes();
  const [first, second, idle] = [recordSteps(), recordSteps(), recordSteps()];
  const add = async (item: string) => {
    await Promise.resolve();
    return commits.add(item);
  };
  const added = [
    withSteps(first, () => add('a')),
    withSteps(second, () => add('b')),
    withSteps(idle, async () => null),
  ];
  await Promise.all([...added, commits.add('c')]);
  await withSteps(second, () => add('d'));
  expect(first.noted).toEqual([{ kind: 'commit', items: 3 }, {}]);
  expect(second.noted).toEqual([{ kind: 'commit', items: 3 }, {}, { kind: 'commit', items: 1 }, {}]);
  expect(idle.noted).toEqual([]);
});

test('items that arrive during a commit share the next one', async () => {
  const gate = Promise.withResolvers<void>();
  const { commits, batches } = await openNotes({
    decorate: (database) => ({
      ...database,
      async transaction(work) {
        const result = await database.transaction(work);
        await gate.promise;
        return result;
      },
    }),
  });
  const first = commits.add('a');
  await endOfTurn();
  const later = [commits.add('b')];
  await endOfTurn();
  later.push(commits.add('c'));
  gate.resolve();
  await Promise.all([first, ...later]);
  expect(batches).toEqual([['a'], ['b', 'c']]);
});

test('an item is acknowledged only after its commit', async () => {
  const gate = Promise.withResolvers<void>();
  const committed = Promise.withResolvers<void>();
  const { commits } = await openNotes({
    decorate: (database) => ({
      ...database,
      async transaction(work) {
        const result = await database.transaction(work);
        committed.resolve();
        await gate.promise;
        return result;
      },
    }),
  });
  let isAcknowledged = false;
  const item = commits.add('a').finally(() => {
    isAcknowledged = true;
  });
  await committed.promise;
  await endOfTurn();
  expect(isAcknowledged).toBe(false);
  gate.resolve();
  await item;
  expect(isAcknowledged).toBe(true);
});

test('more items than fit into one commit are stored by several commits, in order', async () => {
  const { commits, database, batches } = await openNotes();
  const items = Array.from({ length: 600 }, (_, index) => String(index));
  await Promise.all(items.map((item) => commits.add(item)));
  expect(batches.map(({ length }) => length)).toEqual([256, 256, 88]);
  expect(await stored(database)).toEqual(items);
});

test('large items that arrive together share commits of up to 4 MB, and a larger item has one of its own', async () => {
  const { commits, database, batches } = await openNotes({ maxPendingSize: 100_000_000 });
  const megabytes = [1, 1, 1, 6, 1, 2, 1];
  const items = megabytes.map((size) => 'x'.repeat(size * 1_000_000));
  await Promise.all(items.map((item) => commits.add(item)));
  expect(batches.map((batch) => batch.map((item) => item.length / 1_000_000))).toEqual([[1, 1, 1], [6], [1, 2, 1]]);
  expect(await stored(database)).toEqual(items);
});

test.each(['refused', 'broken'])('a %s item fails alone', async (item) => {
  const { commits, database } = await openNotes();
  const results = await Promise.allSettled(['a', item, 'b'].map((text) => commits.add(text)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(results[1]).toMatchObject({ reason: item === 'refused' ? REFUSED : new TypeError('broken') });
  expect(await stored(database)).toEqual(['a', 'b']);
});

test('a broken item among many is isolated in few transactions', async () => {
  const { commits, database, batches } = await openNotes();
  const items = Array.from({ length: 64 }, (_, index) => (index === 20 ? 'broken' : `item ${index}`));
  const results = await Promise.allSettled(items.map((item) => commits.add(item)));
  expect(results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([20]);
  expect(await stored(database)).toEqual(items.filter((item) => item !== 'broken'));
  expect(batches.length).toBeLessThan(16);
});

test.each([
  [false, 'STORE_UNAVAILABLE', 'NOT_SENT', 'cannot be written at the moment; nothing was stored'],
  [true, 'STORE_FAILED', 'UNKNOWN', 'it may have been stored'],
])('a commit that fails (fate unknown: %s) fails its items with %s', async (fateUnknown, code, outcome, message) => {
  const cause = new DatabaseUnavailableError('the disk failed', { cause: null, fateUnknown });
  const { commits, batches } = await openNotes({
    decorate: (database) => ({
      ...database,
      transaction: (work) =>
        database.transaction(async (transaction) => {
          await work(transaction);
          throw cause;
        }),
    }),
  });
  const results = await Promise.allSettled([commits.add('a'), commits.add('b')]);
  const failure = { status: 'rejected', reason: { code, outcome, cause, message: expect.stringContaining(message) } };
  expect(results).toMatchObject([failure, failure]);
  expect(batches).toEqual([['a', 'b']]);
});

test('an item beyond maxPending is refused at once, and there is room again after the commit', async () => {
  const { commits, database } = await openNotes({ maxPending: 2 });
  const results = await Promise.allSettled(['a', 'b', 'c'].map((text) => commits.add(text)));
  expect(results).toMatchObject([
    { status: 'fulfilled' },
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'OVERLOADED', outcome: 'NOT_SENT' } },
  ]);
  await commits.add('d');
  expect(await stored(database)).toEqual(['a', 'b', 'd']);
});

test('items that exceed maxPendingSize together are refused at once, a single one is not, and there is room after the commit', async () => {
  const { commits, database } = await openNotes({ maxPendingSize: 10 });
  const [long, six, five, four] = [11, 6, 5, 4].map((length) => String(length).padEnd(length, '.')) as [
    string,
    string,
    string,
    string,
  ];
  const overloaded = { status: 'rejected', reason: { code: 'OVERLOADED', outcome: 'NOT_SENT' } };
  const fulfilled = { status: 'fulfilled' };
  const first = await Promise.allSettled([six, five, four].map((text) => commits.add(text)));
  expect(first).toMatchObject([fulfilled, overloaded, fulfilled]);
  const second = await Promise.allSettled([long, four].map((text) => commits.add(text)));
  expect(second).toMatchObject([fulfilled, overloaded]);
  await commits.add(five);
  expect(await stored(database)).toEqual([six, four, long, five]);
});

test('items that are being committed count towards maxPending', async () => {
  const gate = Promise.withResolvers<void>();
  const { commits } = await openNotes({
    maxPending: 1,
    decorate: (database) => ({
      ...database,
      transaction: async (work) => gate.promise.then(() => database.transaction(work)),
    }),
  });
  const first = commits.add('a');
  await endOfTurn();
  await endOfTurn();
  await expect(commits.add('b')).rejects.toMatchObject({ code: 'OVERLOADED' });
  gate.resolve();
  expect(await first).toBe('stored a');
});

test('closing stores the waiting items and refuses further ones', async () => {
  const { commits, database } = await openNotes();
  const waiting = Promise.all([commits.add('a'), commits.add('b')]);
  const closing = commits.close();
  await expect(commits.add('c')).rejects.toMatchObject({ code: 'OVERLOADED', outcome: 'NOT_SENT' });
  await closing;
  expect(await stored(database)).toEqual(['a', 'b']);
  expect(await waiting).toEqual(['stored a', 'stored b']);
});
