import type { NewAccountTask } from '../contract/account-task.ts';
import { badInput, TaskFailure } from '../contract/failure.ts';
import type { AccountCaller, Call, TaskService } from '../contract/task-service.ts';
import { isEarlier } from '../contract/timestamp.ts';
import { TASK_COLUMNS, toStoredTask } from './account-task-row.ts';
import type { ObserveCommits } from './commit-observer.ts';
import type { Database, SqlParameter, SqlRow } from './database.ts';
import { databaseCheck } from './database-check.ts';
import { createGroupCommit } from './group-commit.ts';
import { toAttempt } from './idempotency.ts';
import { type Registration, registerTasks } from './registration.ts';
import { isNotRevoked, refuseRevoked } from './revocation.ts';
import { toReadFailure } from './store-failure.ts';

export interface StoredTaskServiceOptions {
  readonly database: Database;
  /** How many creates may wait for their commit. */
  readonly maxPending: number;
  /** How long an idempotency key gives its first result again. */
  readonly keyExpiryMs: number;
  readonly observeCommits?: ObserveCommits | undefined;
}

/** The port over our own database. Its `close` stores what is under way; the database is closed by who opened it. */
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
  /** The caller's tasks of which the condition holds; a client that was revoked has none, and is told so. */
  const readTasks = async ({ clientId }: AccountCaller, condition: string, parameters: readonly SqlParameter[]) => {
    const sql = `SELECT ${TASK_COLUMNS} FROM account_tasks WHERE ${isNotRevoked(`?${parameters.length + 1}`)} AND ${condition}`;
    try {
      const rows = await database.read<SqlRow>(sql, [...parameters, clientId]);
      if (rows.length === 0) await refuseRevoked(database, clientId);
      return rows.map(toStoredTask);
    } catch (error) {
      throw toReadFailure(error);
    }
  };

  return {
    async create(task, call) {
      const { accountId, clientId } = accountCaller(call);
      checkDates(task);
      return creates.add({ accountId, clientId, task, attempt: toAttempt(task, call) }, call.beginStep);
    },
    async find(ids, call) {
      const caller = accountCaller(call);
      if (ids.length === 0) return [];
      const tasks = await readTasks(caller, 'account_id = ?1 AND id = ANY (?2)', [caller.accountId, ids]);
      const byId = new Map(tasks.map((task) => [task.ID, task]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    async list({ first, after }, call) {
      const caller = accountCaller(call);
      const { accountId } = caller;
      const page = 'ORDER BY id DESC LIMIT ?2';
      const tasks =
        after === null
          ? await readTasks(caller, `account_id = ?1 ${page}`, [accountId, first + 1])
          : await readTasks(caller, `account_id = ?1 AND id < ?3 ${page}`, [accountId, first + 1, after]);
      return { tasks: tasks.slice(0, first), hasNextPage: tasks.length > first };
    },
    checks: { database: databaseCheck(database) },
    close: () => creates.close(),
  };
}

function accountCaller({ caller }: Call): AccountCaller {
  if (caller.kind === 'account') return caller;
  throw new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The task store needs a bearer token that it gave out itself.',
  );
}

function checkDates({ StartDate, FinishDate }: NewAccountTask): void {
  if (StartDate !== null && FinishDate !== null && isEarlier(FinishDate, StartDate))
    throw badInput('finishDate', `${FinishDate} is before startDate, ${StartDate}`);
}
