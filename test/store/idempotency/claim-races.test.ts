import { describe, expect, onTestFinished, test } from 'vitest';
import type { CreatedAccountTask } from '../../../src/contract/account-task.ts';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { WriteCall } from '../../../src/contract/task-service.ts';
import { type Database, DatabaseUnavailableError } from '../../../src/store/sql/database.ts';
import { idempotentTaskService } from '../../../src/store/idempotency/upstream-idempotency.ts';
import { withClock } from '../../support/clocked-database.ts';
import { DATABASES } from '../../support/databases.ts';
import { migratedDatabase, REPORT_TASK } from '../../support/sample-account.ts';
import { createdTask, resultOf, scriptedUpstream } from '../scripted-upstream.ts';

const LEASE_MS = 60_000;
const START_MS = Date.UTC(2026, 1, 22);

const CALL: WriteCall = {
  caller: { kind: 'forwarded', authorization: 'Bearer a' },
  requestId: 'test',
  idempotencyKey: 'k',
};
const REFUSED = new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.');
const IN_PROGRESS = 'IDEMPOTENCY_IN_PROGRESS NOT_SENT';

/** Opens a gateway over a database. Each create that it sends waits for its answer. */
function gatewayOver(database: Database, nowMs = START_MS) {
  const answers: PromiseWithResolvers<CreatedAccountTask>[] = [];
  const { tasks: inner } = scriptedUpstream();
  const tasks = idempotentTaskService(
    { ...inner, create: () => (answers.push(Promise.withResolvers()), answers.at(-1)!.promise) },
    {
      database: withClock(database, { nowMs }),
      leaseMs: LEASE_MS,
      keyExpiryMs: 86_400_000,
      keyWaitMs: 0,
      maxPending: 1000,
      onUnwritten: () => {},
      onLateAnswer: () => {},
    },
  );
  onTestFinished(() => tasks.close());
  const create = () => resultOf(tasks.create(REPORT_TASK, CALL));
  return {
    create,
    /** Starts a create, and returns once it was sent. */
    async send() {
      const sent = answers.length;
      const result = create();
      await expect.poll(() => answers.length, { interval: 1 }).toBe(sent + 1);
      return { ...(answers.at(-1) as PromiseWithResolvers<CreatedAccountTask>), result };
    },
  };
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
    const one = gatewayOver(database);
    const first = await one.send();
    const settling = interruptible(database, 1, async () => {
      first.reject(REFUSED);
      await first.result;
    });
    const two = gatewayOver(settling);
    expect(await two.create()).toBe(IN_PROGRESS);
    const second = await two.send();
    expect(await one.create()).toBe(IN_PROGRESS);
    second.resolve(createdTask());
    expect(await second.result).toBe('created');
  });

  test('a claim whose lease is over is unknown until it is settled late', async () => {
    const database = await migratedDatabase('PostgreSQL');
    const first = await gatewayOver(database).send();
    const settling = interruptible(database, 2, async () => {
      first.resolve(createdTask());
      await first.result;
    });
    const two = gatewayOver(settling, START_MS + LEASE_MS);
    expect(await two.create()).toBe('UPSTREAM_CONNECTION_LOST UNKNOWN');
    expect(await two.create()).toBe('replayed');
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
  const gateway = gatewayOver(losing);
  expect(await gateway.create()).toBe('STORE_UNAVAILABLE NOT_SENT');
  isLost = false;
  const sent = await gateway.send();
  expect(await gateway.create()).toBe(IN_PROGRESS);
  sent.resolve(createdTask());
  expect(await sent.result).toBe('created');
});
