import { type AccountTask, readAccountTask } from '../../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../contract/json-value.ts';
import type { AccountTaskPage, PageRequest } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import type { Database } from '../sql/database.ts';
import { toReadFailure } from '../store-failure.ts';
import { type BoundedRows, type BoundedSelection, inOrderOf, readBoundedRows } from './bounded-rows.ts';

/** Reads of the tasks that the upstream created, from their records. */
export interface RecordReads {
  find(
    owner: CallerIdentity,
    ids: readonly string[],
    maxBytes?: number,
  ): Promise<readonly (AccountTask | null | undefined)[]>;
  list(owner: CallerIdentity, page: PageRequest): Promise<AccountTaskPage>;
}

type StoredRecord = { readonly position: string; readonly detail: string; readonly recordedAt: string | null };

export function createRecordReads(database: Database): RecordReads {
  const readRecords = (
    selection: Omit<BoundedSelection, 'table' | 'columns' | 'text'>,
  ): Promise<BoundedRows<StoredRecord>> =>
    readBoundedRows<StoredRecord>(database, {
      ...selection,
      table: 'recorded_tasks',
      columns: 'position, detail, recorded_at AS "recordedAt"',
      text: 'detail',
    }).catch((error: unknown) => {
      throw toReadFailure(error);
    });
  return {
    async find({ scopes }, ids, maxBytes) {
      if (ids.length === 0) return [];
      const { rows, hasMore } = await readRecords({
        key: 'id',
        scope: 'scope = ANY (?1)',
        condition: 'id = ANY (?2)',
        parameters: [scopes, ids],
        first: ids.length,
        maxBytes,
      });
      const tasks = rows.map(toTask);
      return inOrderOf(ids, tasks, hasMore);
    },
    async list({ scopes }, { first, after, maxBytes }) {
      const behind = 'position < (SELECT MAX(position) FROM recorded_tasks WHERE scope = ANY (?2) AND id = ?3)';
      // An index is ordered within one scope only.
      const pages = await Promise.all(
        scopes.map((scope) => {
          const page = { key: 'position', scope: 'scope = ?1', first, maxBytes };
          return after === null
            ? readRecords({ ...page, parameters: [scope] })
            : readRecords({ ...page, condition: behind, parameters: [scope, scopes, after] });
        }),
      );
      return mergePages(pages, first);
    },
  };
}

/** Merges the pages of several scopes. It drops rows older than the end of any cut page, since unread rows may precede them. */
function mergePages(pages: readonly BoundedRows<StoredRecord>[], first: number): AccountTaskPage {
  const cut = pages.flatMap(({ rows, hasMore }) => (hasMore ? (rows.at(-1)?.position ?? []) : []));
  const oldest = cut.toSorted().at(-1) ?? '';
  const records = pages.flatMap(({ rows }) => rows).toSorted((a, b) => (a.position > b.position ? -1 : 1));
  const read = records.filter(({ position }) => position >= oldest).slice(0, first);
  return {
    tasks: read.map(toTask),
    hasNextPage: cut.length > 0 || records.length > read.length,
  };
}

function toTask({ detail, recordedAt }: StoredRecord): AccountTask {
  const task = readAccountTask(parseJsonKeepingDigits(detail) as JsonObject, 'Detail');
  if ('at' in task) throw new Error(`A recorded task cannot be read: ${task.at} ${task.problem}`);
  return { ...task, recordedAt };
}
