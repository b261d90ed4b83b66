import { type AccountTask, readAccountTask } from '../contract/account-task.ts';
import type { BeginStep } from '../contract/call-steps.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../contract/json-value.ts';
import type { AccountTaskPage, PageRequest } from '../contract/task-service.ts';
import type { CommitObserver } from './commit-observer.ts';
import type { Database, SqlParameter, SqlRow } from './database.ts';
import { createOwedWrites } from './owed-writes.ts';
import { toReadFailure } from './store-failure.ts';
import { createTimeOrderedGuid } from './time-ordered-guid.ts';

/** Tasks as they were when the upstream created them; the contract has no way to read them back. */
export interface TaskRecords {
  /** Throws what kept it from being written now; it is written later then, unless that was a defect. */
  add(scope: string, task: AccountTask, beginStep?: BeginStep): Promise<void>;
  find(scope: string, ids: readonly string[]): Promise<readonly (AccountTask | null)[]>;
  list(scope: string, page: PageRequest): Promise<AccountTaskPage>;
  close(): Promise<void>;
}

export interface TaskRecordsOptions {
  readonly database: Database;
  readonly maxPending: number;
  /** Told of each record that was owed to the database and is given up. */
  readonly onGivenUp: (error: unknown) => void;
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

interface NewRecord {
  readonly scope: string;
  /** Tasks are listed in the order of it. */
  readonly position: string;
  readonly task: AccountTask;
}

const COLUMNS = ['scope', 'position', 'id', 'detail'];

export function createTaskRecords({ onGivenUp, ...options }: TaskRecordsOptions): TaskRecords {
  const { database } = options;
  const additions = createOwedWrites<NewRecord>({
    ...options,
    sizeOf: ({ task }) => task.fields.Parameters?.length ?? 0,
    write: async (transaction, records) => {
      const rows = records.map(({ scope, position, task }) => [scope, position, task.ID, JSON.stringify(task.detail)]);
      await transaction.insert('recorded_tasks', COLUMNS, rows, { ifAbsent: true });
    },
    onGivenUp: (error) => onGivenUp(error),
  });
  const readTasks = async (sql: string, parameters: readonly SqlParameter[]): Promise<readonly AccountTask[]> => {
    const rows = await database
      .read<SqlRow & { readonly detail: string }>(
        `SELECT detail FROM recorded_tasks WHERE scope = ?1 ${sql}`,
        parameters,
      )
      .catch((error: unknown) => {
        throw toReadFailure(error);
      });
    return rows.map(({ detail }) => toTask(detail));
  };
  return {
    async add(scope, task, beginStep) {
      await additions.write({ scope, position: createTimeOrderedGuid(), task }, beginStep);
    },
    async find(scope, ids) {
      const tasks = ids.length === 0 ? [] : await readTasks('AND id = ANY (?2)', [scope, ids]);
      const byId = new Map(tasks.map((task) => [task.ID, task]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    async list(scope, { first, after }) {
      const page = 'ORDER BY position DESC LIMIT ?2';
      const behind = 'AND position < (SELECT position FROM recorded_tasks WHERE scope = ?1 AND id = ?3)';
      const tasks =
        after === null
          ? await readTasks(page, [scope, first + 1])
          : await readTasks(`${behind} ${page}`, [scope, first + 1, after]);
      return { tasks: tasks.slice(0, first), hasNextPage: tasks.length > first };
    },
    close: () => additions.close(),
  };
}

function toTask(detail: string): AccountTask {
  const task = readAccountTask(parseJsonKeepingDigits(detail) as JsonObject, 'Detail');
  if ('at' in task) throw new Error(`A recorded task cannot be read: ${task.at} ${task.problem}`);
  return task;
}
