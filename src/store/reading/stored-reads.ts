import type { AccountCaller, TaskService } from '../../contract/task-service.ts';
import { TASK_COLUMNS, toStoredTask } from '../account-task-row.ts';
import { accountCaller } from '../caller-identity.ts';
import { isNotRevoked, refuseRevoked } from '../secret.ts';
import type { Database } from '../sql/database.ts';
import { toReadFailure } from '../store-failure.ts';
import { type BoundedSelection, inOrderOf, readBoundedRows } from './bounded-rows.ts';

/** Creates the reads of tasks over our own database. */
export function createStoredReads(database: Database): Pick<TaskService, 'find' | 'list'> {
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
  };
}
