import { describe, expect, onTestFinished, test } from 'vitest';
import { type CreatedAccountTask, readAccountTask } from '../../../src/contract/account-task.ts';
import { TaskFailure } from '../../../src/contract/failure.ts';
import { type Database, DatabaseUnavailableError } from '../../../src/store/sql/database.ts';
import { createLedger, type Ledger } from '../../../src/store/idempotency/ledger.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { withClock } from '../../support/clocked-database.ts';
import { DATABASES } from '../../support/databases.ts';
import { migratedDatabase } from '../../support/sample-account.ts';
import { newAttempt } from './new-attempt.ts';

const LEASE_MS = 60_000;
const START_MS = Date.UTC(2026, 1, 22);

function ledgerOver(database: Database, nowMs = START_MS): Ledger {
  const ledger = createLedger({
    database: withClock(database, { nowMs }),
    leaseMs: LEASE_MS,
    expiryMs: 86_400_000,
    maxPending: 1000,
    onUnsettled: () => {},
    onLateAnswer: () => {},
  });
  onTestFinished(() => ledger.close());
  return ledger;
}

const REFUSED = new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.');

function created(): CreatedAccountTask {
  const accountTask = readAccountTask(SAMPLE_DETAIL, 'Detail');
  if ('at' in accountTask) throw new Error(accountTask.at);
  return { accountTask, Identification: { UserId: 'u' }, Result: 'ok', replayed: false };
}

/** Decorates a database: `happen` runs within the next transaction, right after this many reads of keys. */
function interruptible(database: Database, readsBefore: number, happen: () => Promise<void>): Database {
  let reads = 0;
  return {
    ...database,
    transaction: (work) =>
      database.transaction((transaction) =>
        work({
          ...transaction,
          async read(sql, parameters) {
            const rows = await transaction.read(sql, parameters);
            if (sql.includes('attempt_id')) reads += 1;
            if (reads === readsBefore) await happen();
            return rows as never;
          },
        }),
      ),
  };
}

// On SQLite one transaction waits for the other.
describe('a claim on PostgreSQL, while another process settles the key', () => {
  test('a claim is not granted while another process releases the key, before its own row is written', async () => {
    const database = await migratedDatabase('PostgreSQL');
    const one = ledgerOver(database);
    const [first, second] = [newAttempt(), newAttempt()];
    await one.claim(first);
    const settling = interruptible(database, 1, () => one.settle(first, REFUSED));
    const two = ledgerOver(settling);
    expect(await two.claim(second)).toBe('running');
    expect(await two.claim(second)).toBe('claimed');
    expect(await one.claim(newAttempt())).toBe('running');
  });

  test('a claim whose lease is over is unknown until it is settled late', async () => {
    const database = await migratedDatabase('PostgreSQL');
    const one = ledgerOver(database);
    const first = newAttempt();
    await one.claim(first);
    const settling = interruptible(database, 2, () => one.settle(first, created()));
    const two = ledgerOver(settling, START_MS + LEASE_MS);
    await expect(two.claim(newAttempt())).rejects.toMatchObject({
      code: 'UPSTREAM_CONNECTION_LOST',
      outcome: 'UNKNOWN',
    });
    expect(await two.claim(newAttempt())).toMatchObject({ replayed: true });
  });
});

test.each(DATABASES)('on %s, a claim whose commit has an unknown fate leaves its key free', async (kind) => {
  const database = await migratedDatabase(kind);
  let isLost = true;
  const losing: Database = {
    ...database,
    async transaction(work) {
      const result = await database.transaction(work);
      if (isLost) throw new DatabaseUnavailableError('the connection was lost', { cause: null, fateUnknown: true });
      return result;
    },
  };
  const ledger = ledgerOver(losing);
  await expect(ledger.claim(newAttempt())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' });
  isLost = false;
  expect(await ledger.claim(newAttempt())).toBe('claimed');
  expect(await ledger.claim(newAttempt())).toBe('running');
});
