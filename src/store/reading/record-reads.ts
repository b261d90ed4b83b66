import { setTimeout as delay } from 'node:timers/promises';
import { type AccountTask, readAccountTask } from '../../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../contract/json-value.ts';
import type { AccountTaskFilter, AccountTaskPage, PageRequest } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import type { Database, SqlParameter, SqlTransaction } from '../sql/database.ts';
import { toReadFailure } from '../store-failure.ts';
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
  const toPositions = async (scopes: readonly string[], { after = null, before = null }: Cursors): Promise<Cursors> => {
    if (after === null && before === null) return {};
    const rows = await database.read<{ readonly id: string; readonly position: string }>(
      'SELECT id, MAX(position) AS position FROM recorded_tasks WHERE scope = ANY (?1) AND id = ANY (?2) GROUP BY id',
      [scopes, [after ?? '', before ?? '']],
    );
    const positions = new Map(rows.map(({ id, position }) => [id, position]));
    const toPosition = (id: string | null) => (id === null ? null : (positions.get(id) ?? ''));
    return { after: toPosition(after), before: toPosition(before) };
  };
  return {
    async find({ scopes }, ids, maxBytes) {
      if (ids.length === 0) return [];
      const { tasks, hasMore } = await readRecords({
        key: 'id',
        direction: 'DESC',
        scope: 'scope = ANY (?1)',
        sets: [{ condition: 'scope = ANY (?1) AND id = ANY (?2)' }],
        parameters: [scopes, ids],
        first: ids.length,
        maxBytes,
      }).catch(asReadFailure);
      return inOrderOf(ids, tasks, hasMore);
    },
    async list({ scopes }, page) {
      const { order, filter = {} } = page;
      const { taskIds, ...others } = filter;
      const isSparse = Object.values(others).some((condition) => condition !== undefined);
      const select = (cursors: Cursors) => selectRecords(scopes, filter, toKeyRange(order, cursors));
      return readFilteredPage(page, {
        filter,
        isSparse,
        read: async ({ first, maxBytes, ...cursors }) =>
          readRecords({ ...select(await toPositions(scopes, cursors)), first, maxBytes }),
        count: isSparse || taskIds ? null : (most) => countRows(database, { ...RECORDS, ...select({}) }, most),
      }).catch(asReadFailure);
    },
  };
}

function asReadFailure(error: unknown): never {
  throw toReadFailure(error);
}

/** Selects records by the conditions that an index finds, and those whose task_id an older version has not written. */
function selectRecords(
  scopes: readonly string[],
  { taskIds }: AccountTaskFilter,
  { direction, above, below }: KeyRange,
): Pick<BoundedSelection, 'key' | 'direction' | 'scope' | 'sets' | 'parameters'> {
  const parameters: SqlParameter[] = [above, below];
  const bind = (parameter: SqlParameter): string => `?${parameters.push(parameter)}`;
  const owners = scopes.map(bind);
  const slots = taskIds && toSlots(taskIds).map(bind);
  // An index is ordered within one scope only. If PostgreSQL knew the scope and that it has many records, it would look for
  // them in the index of all scopes by position.
  const sets = owners.flatMap((owner) => {
    const own = `scope = (SELECT CAST(${owner} AS TEXT))`;
    const range = `${own} AND position > ?1 AND position < ?2`;
    if (!slots) return [{ condition: range }];
    const unfilled = { condition: `${range} AND task_id IS NULL` };
    return [unfilled, ...slots.map((id) => toRowSet(own, 'task_id', id, 'position', ['?1', '?2']))];
  });
  return { key: 'position', direction, scope: `scope IN (${owners.join(', ')})`, sets, parameters };
}

/** Few enough to be in memory at once, and not to delay other work for long. */
const FILLED_AT_ONCE = 64;

/** Fills in the task_id of the records that older versions have written, so that an index finds them. */
export async function fillTaskIds(database: Database): Promise<void> {
  for (let rows = FILLED_AT_ONCE; rows === FILLED_AT_ONCE; ) {
    rows = await database.transaction(fillSome);
    await delay(10);
  }
}

async function fillSome(transaction: SqlTransaction): Promise<number> {
  const records = await transaction.read<{
    readonly scope: string;
    readonly position: string;
    readonly detail: string;
  }>('SELECT scope, position, detail FROM recorded_tasks WHERE task_id IS NULL ORDER BY scope, position LIMIT ?1', [
    FILLED_AT_ONCE,
  ]);
  for (const { scope, position, detail } of records) {
    const sql = 'UPDATE recorded_tasks SET task_id = ?3 WHERE scope = ?1 AND position = ?2 AND task_id IS NULL';
    await transaction.write(sql, [scope, position, toTask({ detail, recordedAt: null }).TaskID]);
  }
  return records.length;
}

function toTask({ detail, recordedAt }: StoredRecord): AccountTask {
  const task = readAccountTask(parseJsonKeepingDigits(detail) as JsonObject, 'Detail');
  if ('at' in task) throw new Error(`A recorded task cannot be read: ${task.at} ${task.problem}`);
  return { ...task, recordedAt };
}
