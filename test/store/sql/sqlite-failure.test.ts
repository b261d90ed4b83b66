import { expect, test } from 'vitest';
import { DatabaseUnavailableError, UnstorableDataError } from '../../../src/store/sql/database.ts';
import { toSqliteCommitFailure, toSqliteFailure } from '../../../src/store/sql/sqlite-failure.ts';

const sqliteError = (errcode: number) => Object.assign(new Error('as SQLite says it'), { errcode });

test.each([
  ['SQLITE_BUSY', 5, false],
  ['SQLITE_READONLY', 8, false],
  ['SQLITE_READONLY_DBMOVED', 1032, false],
  ['SQLITE_FULL', 13, false],
  ['SQLITE_IOERR_WRITE', 778, false],
  ['SQLITE_IOERR_FSYNC', 1034, true],
  ['SQLITE_CORRUPT', 11, true],
  ['SQLITE_ERROR', 1, true],
])('a commit that fails with %s (%i) has an unknown fate: %s', (_, code, fateUnknown) => {
  const error = sqliteError(code);
  const failure = toSqliteCommitFailure(error);
  expect(failure).toBeInstanceOf(DatabaseUnavailableError);
  expect(failure).toMatchObject({ fateUnknown, cause: error });
});

test('a statement whose fsync fails has stored nothing', () => {
  expect(toSqliteFailure(sqliteError(1034))).toMatchObject({ fateUnknown: false, reason: 'the disk failed' });
});

test.each([
  ['SQLITE_TOOBIG', 18],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 787],
  ['SQLITE_MISMATCH', 20],
])('a statement or commit that fails with %s (%i) contained a value that cannot be stored', (_, code) => {
  const error = sqliteError(code);
  for (const failure of [toSqliteFailure(error), toSqliteCommitFailure(error)]) {
    expect(failure).toBeInstanceOf(UnstorableDataError);
    expect(failure).toMatchObject({ cause: error });
  }
});

test.each([
  ['SQLITE_ERROR', sqliteError(1)],
  ['an error of another kind', new TypeError('no')],
])('a statement that fails with %s is a defect, and its error is returned unchanged', (_, error) => {
  expect(toSqliteFailure(error)).toBe(error);
});

test('a commit that fails with an error of another kind is a defect, and its error is returned unchanged', () => {
  const error = new TypeError('no');
  expect(toSqliteCommitFailure(error)).toBe(error);
});
