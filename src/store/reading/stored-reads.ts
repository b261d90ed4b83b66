import type { AccountTaskFilter, AccountCaller, TaskService } from '../../contract/task-service.ts';
import { toEpochMs, toUtc } from '../../contract/text-formats.ts';
import { TASK_COLUMNS, toStoredTask } from '../account-task-row.ts';
import { accountCaller } from '../caller-identity.ts';
import { isNotRevoked, refuseRevoked } from '../clients.ts';
import type { Database, SqlParameter } from '../sql/database.ts';
import { throwReadFailure } from '../store-failure.ts';
import { toIdPrefix } from '../time-ordered-ids.ts';
import {
  type BoundedSelection,
  countRows,
  inOrderOf,
  type KeyRange,
  readBoundedRows,
  toKeyRange,
  toRowSet,
  toSlots,
} from './bounded-rows.ts';
import { readFilteredPage } from './filtered-page.ts';

const TASKS = { table: 'account_tasks', columns: TASK_COLUMNS, key: 'id', text: 'parameters' };
const SCOPE = `account_id = ?1 AND ${isNotRevoked('?2')}`;

/** Creates the reads of tasks over our own database. */
export function createStoredReads(database: Database): Pick<TaskService, 'find' | 'list'> {
  /** Reads the caller's tasks. @throws TaskFailure if the caller's client is revoked. */
  const readTasks = async (
    clientId: AccountCaller['clientId'],
    selection: Pick<BoundedSelection, 'direction' | 'sets' | 'parameters' | 'first' | 'maxBytes'>,
  ) => {
    try {
      const { rows, hasMore } = await readBoundedRows(database, { ...TASKS, ...selection, scope: SCOPE });
      if (rows.length === 0) await refuseRevoked(database, clientId);
      return { tasks: rows.map(toStoredTask), hasMore };
    } catch (error) {
      return throwReadFailure(error);
    }
  };

  return {
    async find(ids, call, maxBytes) {
      const { accountId, clientId } = accountCaller(call);
      if (ids.length === 0) return [];
      const { tasks, hasMore } = await readTasks(clientId, {
        direction: 'DESC',
        sets: [{ condition: `${SCOPE} AND id = ANY (?3)` }],
        parameters: [accountId, clientId, ids],
        first: ids.length,
        maxBytes,
      });
      return inOrderOf(ids, tasks, hasMore);
    },
    async list(page, call) {
      const caller = accountCaller(call);
      const { order, filter = {} } = page;
      const { clientIds, frequencies, statuses, enabled } = filter;
      const isSparse = [clientIds, frequencies, statuses, enabled].some((condition) => condition !== undefined);
      const count = async (most: number) => {
        const selection = { ...TASKS, ...selectTasks(caller, filter, toKeyRange(order, {})) };
        return countRows(database, selection, most).catch(throwReadFailure);
      };
      return readFilteredPage(page, {
        filter,
        isSparse,
        read: ({ first, maxBytes, ...cursors }) =>
          readTasks(caller.clientId, {
            ...selectTasks(caller, filter, toKeyRange(order, cursors)),
            first,
            maxBytes,
          }),
        count: isSparse ? null : count,
      });
    },
  };
}

/** Selects tasks by the conditions that an index finds. An ID contains the millisecond in which its task was created. */
function selectTasks(
  { accountId, clientId }: AccountCaller,
  { taskIds, createdFrom, createdBefore }: AccountTaskFilter,
  { direction, above, below }: KeyRange,
): Pick<BoundedSelection, 'direction' | 'sets' | 'parameters'> {
  const from = createdFrom === undefined ? '' : toIdPrefix(toEpochMs(createdFrom));
  const until = createdBefore === undefined ? below : toIdPrefix(toEpochMs(createdBefore) + 1);
  const parameters: SqlParameter[] = [accountId, clientId, from > above ? from : above, until < below ? until : below];
  const bind = (parameter: SqlParameter): string => `?${parameters.push(parameter)}`;
  let scope = SCOPE;
  if (createdFrom !== undefined) scope += ` AND date_created >= ${bind(toUtc(createdFrom))}`;
  if (createdBefore !== undefined) scope += ` AND date_created < ${bind(toUtc(createdBefore))}`;
  const sets = taskIds
    ? toSlots(taskIds).map((id) => toRowSet(scope, 'task_id', bind(id), 'id', ['?3', '?4']))
    : [{ condition: `${scope} AND id > ?3 AND id < ?4` }];
  return { direction, sets, parameters };
}
