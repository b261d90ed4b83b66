import { type AccountTask, readAccountTask } from '../contract/account-task.ts';
import type { BeginStep } from '../contract/call-steps.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../contract/json-value.ts';
import type { AccountTaskPage, PageRequest } from '../contract/task-service.ts';
import type { CallerIdentity } from './caller-identity.ts';
import type { CommitObserver } from './commit-observer.ts';
import type { Database, SqlParameter } from './database.ts';
import { createOwedWrites } from './owed-writes.ts';
import { type Acceptance, liftRefusals } from './refused-credentials.ts';
import { toReadFailure } from './store-failure.ts';
import { createTimeOrderedGuid } from './time-ordered-guid.ts';

/** Tasks as they were when the upstream created them; the contract has no way to read them back. */
export interface TaskRecords {
  /** Throws what kept it from being written now; it is written later then, unless that was a defect. */
  add(owner: CallerIdentity, task: AccountTask, beginStep?: BeginStep): Promise<void>;
  find(owner: CallerIdentity, ids: readonly string[]): Promise<readonly (AccountTask | null)[]>;
  list(owner: CallerIdentity, page: PageRequest): Promise<AccountTaskPage>;
  close(): Promise<void>;
}

export interface TaskRecordsOptions {
  readonly database: Database;
  readonly maxPending: number;
  /** Told of each record that was owed to the database and is given up. */
  readonly onGivenUp: (error: unknown) => void;
  readonly maxOwedSize?: number;
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

interface NewRecord extends Acceptance {
  readonly scope: string;
  /** Tasks are listed in the order of it. */
  readonly position: string;
  readonly id: string;
  /** The task's Detail as JSON. */
  readonly detail: string;
}
type StoredRecord = { readonly position: string; readonly detail: string };

const COLUMNS = ['scope', 'position', 'id', 'detail'];

export function createTaskRecords({ onGivenUp, ...options }: TaskRecordsOptions): TaskRecords {
  const { database } = options;
  const additions = createOwedWrites<NewRecord>({
    ...options,
    sizeOf: ({ detail }) => Buffer.byteLength(detail),
    write: async (transaction, records) => {
      const rows = records.map(({ scope, position, id, detail }) => [scope, position, id, detail]);
      await transaction.insert('recorded_tasks', COLUMNS, rows, { ifAbsent: true });
      await liftRefusals(transaction, records);
    },
    onGivenUp: (error) => onGivenUp(error),
  });
  const readRecords = async (sql: string, parameters: readonly SqlParameter[]): Promise<readonly StoredRecord[]> =>
    database
      .read<StoredRecord>(`SELECT position, detail FROM recorded_tasks WHERE ${sql}`, parameters)
      .catch((error: unknown) => {
        throw toReadFailure(error);
      });
  return {
    async add({ scopes: [scope], credential }, { ID, detail }, beginStep) {
      const record = {
        scope,
        position: createTimeOrderedGuid(),
        id: ID,
        detail: JSON.stringify(detail),
        credential: credential?.hash ?? null,
        acceptedAtMs: performance.now(),
      };
      await additions.write(record, beginStep);
    },
    async find({ scopes }, ids) {
      const records = ids.length === 0 ? [] : await readRecords('scope = ANY (?1) AND id = ANY (?2)', [scopes, ids]);
      const byId = new Map(records.map(({ detail }) => toTask(detail)).map((task) => [task.ID, task]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    async list({ scopes }, { first, after }) {
      const page = 'ORDER BY position DESC LIMIT ?2';
      const behind = 'AND position < (SELECT MAX(position) FROM recorded_tasks WHERE scope = ANY (?3) AND id = ?4)';
      // An index has the order of one scope only.
      const pages = await Promise.all(
        scopes.map((scope) =>
          after === null
            ? readRecords(`scope = ?1 ${page}`, [scope, first + 1])
            : readRecords(`scope = ?1 ${behind} ${page}`, [scope, first + 1, scopes, after]),
        ),
      );
      const records = pages.flat().toSorted((a, b) => (a.position > b.position ? -1 : 1));
      return {
        tasks: records.slice(0, first).map(({ detail }) => toTask(detail)),
        hasNextPage: records.length > first,
      };
    },
    close: () => additions.close(),
  };
}

function toTask(detail: string): AccountTask {
  const task = readAccountTask(parseJsonKeepingDigits(detail) as JsonObject, 'Detail');
  if ('at' in task) throw new Error(`A recorded task cannot be read: ${task.at} ${task.problem}`);
  return task;
}
