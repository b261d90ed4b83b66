import { unsupportedWrites } from '../contract/task-service.ts';
import type { NewAccountTask } from '../contract/account-task.ts';
import { badTaskField, TaskFailure } from '../contract/failure.ts';
import type { AccountCaller, Call, TaskService } from '../contract/task-service.ts';
import { isEarlier } from '../contract/timestamp.ts';
import { TASK_COLUMNS, toStoredTask } from './account-task-row.ts';
import { type BoundedSelection, inOrderOf, readBoundedRows } from './bounded-rows.ts';
import { type ObserveCommits, createGroupCommit } from './group-commit.ts';
import type { Database } from './sql/database.ts';
import { databaseCheck, toReadFailure } from './store-failure.ts';
import { toIdentity } from './caller-identity.ts';
import { toKeyedAttempt } from './idempotency/attempt.ts';
import { readWriteOutcome } from './idempotency/key-outcome.ts';
import { type Registration, registerTasks } from './registration.ts';
import { isNotRevoked, refuseRevoked } from './secret.ts';

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
  /** Reads the caller's tasks. @throws TaskFailure if the caller's client is revoked. */
  const readTasks = async (
    { accountId, clientId }: AccountCaller,
    selection: Pick<BoundedSelection, 'condition' | 'first' | 'maxBytes'>,
    parameters: BoundedSelection['parameters'],
  ) => {
    try {
      const { rows, hasMore } = await readBoundedRows(database, {
        ...selection,
        table: 'account_tasks',
        columns: TASK_COLUMNS,
        key: 'id',
        text: 'parameters',
        scope: `account_id = ?1 AND ${isNotRevoked('?2')}`,
        parameters: [accountId, clientId, ...parameters],
      });
      if (rows.length === 0) await refuseRevoked(database, clientId);
      return { tasks: rows.map(toStoredTask), hasMore };
    } catch (error) {
      throw toReadFailure(error);
    }
  };

  return {
    ...unsupportedWrites('The task store cannot do this yet.'),
    async create(task, call) {
      const { accountId, clientId } = accountCaller(call);
      checkDates(task);
      return creates.add({ accountId, clientId, task, attempt: toKeyedAttempt(task, call) });
    },
    async find(ids, call, maxBytes) {
      const caller = accountCaller(call);
      if (ids.length === 0) return [];
      const selection = { condition: 'id = ANY (?3)', first: ids.length, maxBytes };
      const { tasks, hasMore } = await readTasks(caller, selection, [ids]);
      return inOrderOf(ids, tasks, hasMore);
    },
    async list({ first, after, maxBytes }, call) {
      const caller = accountCaller(call);
      const { tasks, hasMore } =
        after === null
          ? await readTasks(caller, { first, maxBytes }, [])
          : await readTasks(caller, { condition: 'id < ?3', first, maxBytes }, [after]);
      return { tasks, hasNextPage: hasMore };
    },
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

function accountCaller({ caller }: Call): AccountCaller {
  if (caller.kind === 'account') return caller;
  throw new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The task store accepts only bearer tokens that identify one of its accounts.',
  );
}

function checkDates({ StartDate, FinishDate }: NewAccountTask): void {
  if (StartDate !== null && FinishDate !== null && isEarlier(FinishDate, StartDate))
    throw badTaskField('finishDate', `expected startDate (${StartDate}) or a later time, got ${FinishDate}`);
}
