import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Database, DatabaseUnavailableError, UnstorableDataError } from '../../../src/store/sql/database.ts';
import { DATABASES, type DatabaseKind, openTemporary, emptyDatabase } from '../../support/databases.ts';

const COLUMNS = ['id', 'text'];

async function openNotes(kind: DatabaseKind): Promise<Database> {
  const database = await openTemporary(await emptyDatabase(kind));
  await database.transaction((transaction) =>
    transaction.write('CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT, number SMALLINT)'),
  );
  return database;
}

async function textsIn(database: Database): Promise<readonly unknown[]> {
  const rows = await database.read('SELECT text FROM notes ORDER BY id');
  return rows.map(({ text }) => text);
}

/** Inserts the number of turns that were taken before this one. */
function takeTurn(database: Database): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction.exclusive();
    const [row] = await transaction.read<{ count: number }>('SELECT COUNT(*) AS count FROM turns');
    await transaction.insert('turns', ['number'], [[row!.count]]);
  });
}

describe.each(DATABASES)('the %s adapter', (kind) => {
  test('returns texts, numbers and nulls as they were bound, in single statements and in batches', async () => {
    const database = await openNotes(kind);
    const texts = ['', ' ', '{}', 'NULL', 'null', '{a,"b"}', `'";--\\`, '🦊\r\n\t', '\u00e9\u{10FFFF}', '00', '1e3'];
    const rows = texts.map((text, index) => [`${index}`, text, index === 3 ? null : index - 5] as const);
    await database.transaction(async (transaction) => {
      await transaction.insert('notes', [...COLUMNS, 'number'], [...rows, ['none', null, null]]);
      await transaction.write('INSERT INTO notes (id, text, number) VALUES (?2, ?1, ?3)', ['x?1$1', 'single', 7]);
    });
    const stored = await database.read('SELECT id, text, number FROM notes');
    const byId = new Map(stored.map(({ id, text, number }) => [id, [text, number]]));
    for (const [id, text, number] of rows) expect(byId.get(id)).toEqual([text, number]);
    expect(byId.get('none')).toEqual([null, null]);
    expect(byId.get('single')).toEqual(['x?1$1', 7]);
    expect(await database.read('SELECT COUNT(*) AS count FROM notes')).toEqual([{ count: rows.length + 2 }]);
  });

  test('returns how many rows a statement changed', async () => {
    const database = await openNotes(kind);
    const changed = await database.transaction(async (transaction) => {
      await transaction.insert('notes', COLUMNS, [
        ['1', 'a'],
        ['2', 'b'],
        ['3', 'b'],
      ]);
      return Promise.all([
        transaction.write("UPDATE notes SET text = 'c' WHERE text = 'b'"),
        transaction.write("DELETE FROM notes WHERE id = 'none'"),
      ]);
    });
    expect(changed).toEqual([2, 0]);
  });

  test('uses the database clock, independent of the clock of this process', async () => {
    const database = await openNotes(kind);
    const realMs = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: realMs + 86_400_000 });
    onTestFinished(() => void vi.useRealTimers());
    const [row] = await database.read('SELECT now_ms() AS "nowMs"');
    expect(Number.isInteger(row?.['nowMs'])).toBe(true);
    expect(Math.abs(Number(row?.['nowMs']) - realMs)).toBeLessThan(60_000);
  });

  test('finds any number of rows with a list parameter, and none with an empty list', async () => {
    const database = await openNotes(kind);
    const ids = Array.from({ length: 40_000 }, (_, index) => `id "${index}"`);
    await database.transaction((transaction) =>
      transaction.insert(
        'notes',
        COLUMNS,
        ids.map((id) => [id, null]),
      ),
    );
    expect(await database.read('SELECT id FROM notes WHERE id = ANY (?1)', [ids])).toHaveLength(40_000);
    expect(await database.read('SELECT id FROM notes WHERE id = ANY (?1)', [[]])).toEqual([]);
  });

  test('stores rows of many megabytes with one insert', async () => {
    const database = await openNotes(kind);
    const text = `${'x'.repeat(1_000)}"\\`.repeat(1_500);
    const rows = Array.from({ length: 8 }, (_, index) => [String(index), text]);
    await database.transaction((transaction) => transaction.insert('notes', COLUMNS, rows));
    expect(await textsIn(database)).toEqual(rows.map(() => text));
  });

  test('skips existing rows only with ifAbsent', async () => {
    const database = await openNotes(kind);
    const insert = (text: string, options?: { readonly ifAbsent: boolean }) =>
      database.transaction((transaction) =>
        transaction.insert(
          'notes',
          COLUMNS,
          [
            ['1', text],
            ['2', text],
          ],
          options,
        ),
      );
    await database.transaction((transaction) => transaction.insert('notes', COLUMNS, [['1', 'first']]));
    await expect(insert('second')).rejects.toThrow(UnstorableDataError);
    expect(await textsIn(database)).toEqual(['first']);
    await insert('third', { ifAbsent: true });
    expect(await textsIn(database)).toEqual(['first', 'third']);
  });

  test('orders text by its bytes, whatever its collation', async () => {
    const database = await openNotes(kind);
    const ids = ['aa', 'b', 'Z', 'z', 'a-b', 'a b', '10', '9', 'å', 'ab'];
    await database.transaction((transaction) =>
      transaction.insert(
        'notes',
        COLUMNS,
        ids.map((id) => [id, id]),
      ),
    );
    expect(await textsIn(database)).toEqual(['10', '9', 'Z', 'a b', 'a-b', 'aa', 'ab', 'b', 'z', 'å']);
    expect(await database.read('SELECT MIN(id) AS id FROM notes WHERE id > ?1', ['Z'])).toEqual([{ id: 'a b' }]);
  });

  test('stores nothing of a transaction whose work throws, and the next transaction works', async () => {
    const database = await openNotes(kind);
    const failing = database.transaction(async (transaction) => {
      await transaction.insert('notes', COLUMNS, [['1', 'lost']]);
      throw new Error('a failure of the work');
    });
    await expect(failing).rejects.toThrow('a failure of the work');
    await database.transaction((transaction) => transaction.insert('notes', COLUMNS, [['2', 'kept']]));
    expect(await textsIn(database)).toEqual(['kept']);
  });

  test('runs the statements of a transaction in order, even if they are not awaited one by one', async () => {
    const database = await openNotes(kind);
    await database.transaction(async (transaction) => {
      await Promise.all([
        transaction.insert('notes', COLUMNS, [['1', 'a']]),
        transaction.write("UPDATE notes SET text = text || 'b'"),
        transaction.write("UPDATE notes SET text = text || 'c'"),
      ]);
      expect(await transaction.read('SELECT text FROM notes')).toEqual([{ text: 'abc' }]);
    });
    expect(await textsIn(database)).toEqual(['abc']);
  });

  test('runs one exclusive transaction at a time', async () => {
    const databaseUrl = await emptyDatabase(kind);
    const first = await openTemporary(databaseUrl);
    const second = await openTemporary(databaseUrl);
    await first.transaction((transaction) => transaction.write('CREATE TABLE turns (number SMALLINT)'));
    await Promise.all([first, second, first, second].map(takeTurn));
    const rows = await first.read('SELECT number FROM turns ORDER BY number');
    expect(rows.map(({ number }) => number)).toEqual([0, 1, 2, 3]);
  });

  test('reports a mistake in the SQL as a defect, not as an unavailable database', async () => {
    const database = await openNotes(kind);
    const mistakes = await Promise.all([
      database.read('SELECT nothing FROM nowhere').catch((error: unknown) => error),
      database.transaction((transaction) => transaction.write('DROP TABLE nowhere')).catch((error: unknown) => error),
    ]);
    for (const mistake of mistakes) {
      expect(mistake).toBeInstanceOf(Error);
      expect(mistake).not.toBeInstanceOf(DatabaseUnavailableError);
    }
  });

  test('finishes pending work when it is closed, and refuses further work', async () => {
    const databaseUrl = await emptyDatabase(kind);
    const database = await openTemporary(databaseUrl);
    const pending = Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        database.transaction((transaction) => transaction.write(`CREATE TABLE t${index} (id TEXT)`)),
      ),
    );
    const closing = database.close();
    for (const work of [() => database.read('SELECT 1 AS one'), () => database.transaction(async () => 1)]) {
      await expect(work()).rejects.toThrow('it is closed');
    }
    await Promise.all([pending, closing, database.close()]);
    const reopened = await openTemporary(databaseUrl);
    expect(await reopened.read('SELECT id FROM t19')).toEqual([]);
  });
});
