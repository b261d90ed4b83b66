import { createHash } from 'node:crypto';
import { badInput } from '../contract/failure.ts';
import { parseGuid } from '../contract/text-formats.ts';
import type { AccountTaskFilter, AccountTaskOrder } from '../contract/task-service.ts';

/** A list of account tasks, which its cursors name. */
export interface TaskList {
  readonly order: AccountTaskOrder;
  readonly filter: AccountTaskFilter;
}

const CURSOR_TYPE = 'AccountTask';

/** Makes the cursor of a task: its ID and, unless it is the list without a filter that callers get by default, what names the list. */
export function toCursor(id: string, list: TaskList): string {
  return Buffer.from(`${CURSOR_TYPE}:${id}${toSuffix(list)}`, 'latin1').toString('base64');
}

/** Returns the ID of a cursor's task. @throws TaskFailure (BAD_USER_INPUT) if the cursor is not one of this list. */
export function fromCursor(argument: 'after' | 'before', cursor: string, list: TaskList): string {
  const text = Buffer.from(cursor, 'base64').toString('latin1');
  const [, type, guid = '', suffix] = /^(\w+):([^:]+)(.*)$/s.exec(text) ?? [];
  const id = type === CURSOR_TYPE ? parseGuid(guid) : null;
  if (id === null) throw badInput(argument, `expected a cursor that accountTasks returned, got "${cursor}"`);
  if (suffix !== toSuffix(list))
    throw badInput(argument, `expected a cursor of a list with the same filter and order, got "${cursor}"`);
  return id;
}

function toSuffix({ order, filter }: TaskList): string {
  const conditions = JSON.stringify(filter);
  if (conditions === '{}') return order === 'NEWEST_FIRST' ? '' : `:${order}`;
  return `:${order}:${createHash('sha256').update(conditions).digest('base64url').slice(0, 16)}`;
}
