import { unsupportedWrites } from '../contract/task-service.ts';
import type { NewAccountTask } from '../contract/account-task.ts';
import { badInputMember } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';
import { isEarlier } from '../contract/timestamp.ts';
import { type ObserveCommits, createGroupCommit } from './group-commit.ts';
import type { Database } from './sql/database.ts';
import { databaseCheck, toReadFailure } from './store-failure.ts';
import { accountCaller, toIdentity } from './caller-identity.ts';
import { CREATE, toKeyedAttempt } from './idempotency/attempt.ts';
import { readWriteOutcome } from './idempotency/key-outcome.ts';
import { type Registration, registerTasks } from './registration.ts';
import { createStoredReads } from './reading/stored-reads.ts';
import { refuseRevoked } from './secret.ts';

export interface StoredTaskServiceOptions {
  readonly database: Database;
  /** How many creates may wait for their commit. */
  readonly maxPending: number;
  /** How long an idempotency key replays its first result. */
  readonly keyExpiryMs: number;
  readonly observeCommits?: ObserveCommits | undefined;
}

/** Creates the task service over our own database. Its `close` finishes pending writes but leaves the database open. */
export function createStoredTaskService({
  database,
  maxPending,
  keyExpiryMs,
  observeCommits,
}: StoredTaskServiceOptions): TaskService {
  const creates = createGroupCommit({
    database,
    maxPending,
    observer: observeCommits?.('task'),
    sizeOf: ({ task }: Registration) => task.Parameters.length,
    write: (transaction, registrations: readonly Registration[]) =>
      registerTasks(transaction, registrations, keyExpiryMs),
  });
  return {
    ...unsupportedWrites('The task store cannot do this yet.'),
    async create(task, call) {
      const { accountId, clientId } = accountCaller(call);
      checkDates(task);
      return creates.add({ accountId, clientId, task, attempt: toKeyedAttempt(CREATE, task, call) });
    },
    ...createStoredReads(database),
    async findOutcome(idempotencyKey, call) {
      const caller = accountCaller(call);
      try {
        const [outcome] = await Promise.all([
          readWriteOutcome(database, toIdentity(caller), idempotencyKey, keyExpiryMs),
          refuseRevoked(database, caller.clientId),
        ]);
        return outcome;
      } catch (error) {
        throw toReadFailure(error);
      }
    },
    checks: { database: databaseCheck(database) },
    close: () => creates.close(),
  };
}

function checkDates({ StartDate, FinishDate }: NewAccountTask): void {
  if (StartDate !== null && FinishDate !== null && isEarlier(FinishDate, StartDate))
    throw badInputMember('finishDate', `expected startDate (${StartDate}) or a later time, got ${FinishDate}`);
}
