import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Database, DatabaseUnavailableError, UnstorableDataError } from '../../../src/store/sql/database.ts';
import { toConnectFailure } from '../../../src/store/sql/postgres-failure.ts';
import { openTemporary, emptyDatabase } from '../../support/databases.ts';

/** Opens a database in which inserting a row fails with the row's SQLSTATE, in the statement or at the commit. */
async function openFailures(): Promise<Database> {
  const database = await openTemporary(await emptyDatabase('PostgreSQL'));
  await database.transaction(async (transaction) => {
    await transaction.write('CREATE TABLE failures (state TEXT, moment TEXT)');
    await transaction.write(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
      RAISE EXCEPTION USING ERRCODE = NEW.state, MESSAGE = 'as requested'; END $f$`);
    const each = "FOR EACH ROW WHEN (NEW.moment = 'statement')";
    await transaction.write(`CREATE TRIGGER at_once BEFORE INSERT ON failures ${each} EXECUTE FUNCTION fail()`);
    await transaction.write(`CREATE CONSTRAINT TRIGGER late AFTER INSERT ON failures DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION fail()`);
  });
  return database;
}

async function insertFailure(database: Database, state: string, moment: 'statement' | 'commit') {
  let runs = 0;
  const failure = await database
    .transaction((transaction) => {
      runs += 1;
      return transaction.insert('failures', ['state', 'moment'], [[state, moment]]);
    })
    .catch((error: unknown) => error);
  expect(await database.read('SELECT state FROM failures')).toEqual([]);
  return { failure, runs };
}

/** SQLSTATE, its reason, true if it leaves the fate of a COMMIT unknown, and how often the work runs. */
const STATES = [
  ['53100', 'the disk is full', false, 1],
  ['53200', 'there is not enough memory', false, 1],
  ['53300', 'it has too many connections', false, 1],
  ['53999', 'it is out of resources', false, 1],
  ['25006', 'it is read-only', false, 1],
  ['40001', 'its transactions keep conflicting', false, 6],
  ['40P01', 'its transactions keep conflicting', false, 6],
  ['40003', 'it does not know whether the transaction was committed', true, 1],
  ['42501', 'the user lacks a privilege', true, 1],
  ['55P03', 'a lock could not be acquired', true, 1],
  ['57014', 'it took too long', true, 1],
  ['58030', 'the disk failed', true, 1],
  ['58999', 'its operating system reported an error', true, 1],
  ['XX000', 'it had an internal error', true, 1],
  ['XX001', 'a table is damaged', true, 1],
] as const;

test('a failing statement stores nothing and gives the reason', async () => {
  const database = await openFailures();
  for (const [state, reason, , runs] of STATES) {
    const outcome = await insertFailure(database, state, 'statement');
    expect([state, outcome]).toMatchObject([state, { failure: { reason, fateUnknown: false }, runs }]);
    expect(outcome.failure).toBeInstanceOf(DatabaseUnavailableError);
  }
});

test('the fate of a failing commit is unknown unless its SQLSTATE shows a rollback', async () => {
  const database = await openFailures();
  for (const [state, reason, fateUnknown, expectedRuns] of STATES) {
    const { failure, runs } = await insertFailure(database, state, 'commit');
    expect([state, failure, runs]).toMatchObject([state, { reason, fateUnknown }, expectedRuns]);
  }
});

test.each(['22001', '22021', '22P05', '23514', '54000'])(
  'a refused value (%s) stores nothing, in the statement and in the commit',
  async (state) => {
    const database = await openFailures();
    for (const moment of ['statement', 'commit'] as const) {
      const { failure, runs } = await insertFailure(database, state, moment);
      expect(failure).toBeInstanceOf(UnstorableDataError);
      expect(failure).toMatchObject({ cause: { code: state } });
      expect(runs).toBe(1);
    }
  },
);

test.each([
  ['23505', { cause: { code: '23505' } }],
  ['42P07', { code: '42P07' }],
  ['42710', { code: '42710' }],
])('work that conflicts with another transaction (%s) runs again', async (state, expected) => {
  const { failure, runs } = await insertFailure(await openFailures(), state, 'statement');
  expect(failure).toMatchObject(expected);
  expect(runs).toBe(6);
});

test.each([
  [{ message: 'timeout exceeded when trying to connect' }, 'every connection to it is busy'],
  [{ message: 'Connection terminated due to connection timeout' }, 'the server does not answer'],
  [
    { message: 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string' },
    'expects another authentication method',
  ],
  [{ message: 'The server does not support SSL connections' }, 'no trusted TLS connection can be made'],
  [{ message: 'self-signed certificate', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'no trusted TLS connection'],
  [{ message: 'getaddrinfo', code: 'EAI_AGAIN' }, 'the name of the server cannot be resolved at the moment'],
  [{ message: 'anything else' }, 'no connection can be made'],
])('the reason of a failed connection (%j) says what is wrong', (evidence, reason) => {
  const error = Object.assign(new Error(), evidence);
  expect(toConnectFailure(error)).toMatchObject({ reason: expect.stringContaining(reason), cause: error });
});

test('the driver still has the messages that tell what became of a statement', () => {
  const driver = readFileSync(new URL('../../../node_modules/pg/lib/client.js', import.meta.url), 'utf8');
  const ours = readFileSync(new URL('../../../src/store/sql/postgres-failure.ts', import.meta.url), 'utf8');
  for (const message of ['Connection terminated', 'not queryable', 'Query read timeout']) {
    expect(ours).toContain(message);
    expect(driver).toContain(
      `new Error('${message === 'not queryable' ? 'Client was closed and is ' : ''}${message}')`,
    );
  }
});
