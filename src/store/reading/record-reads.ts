import { type AccountTask, readAccountTask } from '../../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../contract/json-value.ts';
import type { AccountTaskFilter, AccountTaskPage, PageRequest } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import type { Database, SqlParameter } from '../sql/database.ts';
import { throwReadFailure } from '../store-failure.ts';
import {
  type BoundedSelection,
  countRows,
  type Cursors,
  inOrderOf,
  type KeyRange,
  readBoundedRows,
  toKeyRange,
  toRowSet,
  toSlots,
} from './bounded-rows.ts';
import { readFilteredPage } from './filtered-page.ts';

/** Reads of the tasks that the upstream created, from their records. */
export interface RecordReads {
  find(
    owner: CallerIdentity,
    ids: readonly string[],
    maxBytes?: number,
  ): Promise<readonly (AccountTask | null | undefined)[]>;
  list(owner: CallerIdentity, page: PageRequest): Promise<AccountTaskPage>;
}

type StoredRecord = { readonly detail: string; readonly recordedAt: string | null };

const RECORDS = { table: 'recorded_tasks', columns: 'detail, recorded_at AS "recordedAt"', text: 'detail' };

export function createRecordReads(database: Database): RecordReads {
  const readRecords = async (selection: Omit<BoundedSelection, keyof typeof RECORDS>) => {
    const { rows, hasMore } = await readBoundedRows<StoredRecord>(database, {
      ...RECORDS,
      ...selection,
    });
    return { tasks: rows.map(toTask), hasMore };
  };
  /** Converts the IDs of cursors to positions. A record that is gone was older than all that are left. */
  const toPositions = async (scope: string, { after = null, before = null }: Cursors): Promise<Cursors> => {
    if (after === null && before === null) return {};
    const rows = await database.read<{ readonly id: string; readonly position: string }>(
      'SELECT id, position FROM recorded_tasks WHERE scope = ?1 AND id = ANY (?2)',
      [scope, [after ?? '', before ?? '']],
    );
    const positions = new Map(rows.map(({ id, position }) => [id, position]));
    const toPosition = (id: string | null) => (id === null ? null : (positions.get(id) ?? ''));
    return { after: toPosition(after), before: toPosition(before) };
  };
  return {
    async find({ scope }, ids, maxBytes) {
      if (ids.length === 0) return [];
      const { tasks, hasMore } = await readRecords({
        key: 'id',
        direction: 'DESC',
        scope: 'scope = ?1',
        sets: [{ condition: 'scope = ?1 AND id = ANY (?2)' }],
        parameters: [scope, ids],
        first: ids.length,
        maxBytes,
      }).catch(throwReadFailure);
      return inOrderOf(ids, tasks, hasMore);
    },
    async list({ scope }, page) {
      const { order, filter = {} } = page;
      const { taskIds: _, ...others } = filter;
      const isSparse = Object.values(others).some((condition) => condition !== undefined);
      const select = (cursors: Cursors) => selectRecords(scope, filter, toKeyRange(order, cursors));
      return readFilteredPage(page, {
        filter,
        isSparse,
        read: async ({ first, maxBytes, ...cursors }) =>
          readRecords({ ...select(await toPositions(scope, cursors)), first, maxBytes }),
        count: isSparse ? null : (most) => countRows(database, { ...RECORDS, ...select({}) }, most),
      }).catch(throwReadFailure);
    },
  };
}

/** Selects records by the conditions that an index finds. */
function selectRecords(
  scope: string,
  { taskIds }: AccountTaskFilter,
  { direction, above, below }: KeyRange,
): Pick<BoundedSelection, 'key' | 'direction' | 'scope' | 'sets' | 'parameters'> {
  const parameters: SqlParameter[] = [scope, above, below];
  const bind = (parameter: SqlParameter): string => `?${parameters.push(parameter)}`;
  // If PostgreSQL knew the scope and that it has many records, it would look for them in the index of all scopes by position.
  const own = 'scope = (SELECT CAST(?1 AS TEXT))';
  const sets = taskIds
    ? toSlots(taskIds).map((id) => toRowSet(own, 'task_id', bind(id), 'position', ['?2', '?3']))
    : [{ condition: `${own} AND position > ?2 AND position < ?3` }];
  return { key: 'position', direction, scope: 'scope = ?1', sets, parameters };
}

function toTask({ detail, recordedAt }: StoredRecord): AccountTask {
  const task = readAccountTask(parseJsonKeepingDigits(detail) as JsonObject, 'Detail');
  if ('at' in task) throw new Error(`A recorded task cannot be read: ${task.at} ${task.problem}`);
  return { ...task, recordedAt };
}
