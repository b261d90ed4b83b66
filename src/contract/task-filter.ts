import type { AccountTask } from './account-task.ts';
import { type EnumMember, findMember } from './enums.ts';
import { isEarlier, isTimestamp } from './timestamp.ts';

export type AccountTaskOrder = 'NEWEST_FIRST' | 'OLDEST_FIRST';

/** The conditions of a list. A task has to meet every one that is given. */
export interface AccountTaskFilter {
  /** Hyphenated, lower-case, as `clientIds`. */
  readonly taskIds?: readonly string[] | undefined;
  readonly clientIds?: readonly string[] | undefined;
  /** The members of the gateway's table. */
  readonly frequencies?: readonly EnumMember[] | undefined;
  readonly statuses?: readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
  /** A timestamp; tasks created at that very time match. */
  readonly createdFrom?: string | undefined;
  /** A timestamp; tasks created at that very time do not match. */
  readonly createdBefore?: string | undefined;
}

/** True if the task meets every condition. A field without a readable value meets none. */
export function matchesFilter({ TaskID, ClientID, fields }: AccountTask, filter: AccountTaskFilter): boolean {
  const { taskIds, clientIds, frequencies, statuses, enabled } = filter;
  return (
    (!taskIds || taskIds.includes(TaskID)) &&
    (!clientIds || clientIds.includes(ClientID ?? '')) &&
    (!frequencies || findMember(frequencies, fields.Frequency) !== null) &&
    (!statuses || (typeof fields.Status === 'string' && statuses.includes(fields.Status))) &&
    (enabled === undefined || fields.Enabled === enabled) &&
    isCreatedWithin(fields.DateCreated ?? '', filter)
  );
}

function isCreatedWithin(created: string, { createdFrom, createdBefore }: AccountTaskFilter): boolean {
  if (createdFrom === undefined && createdBefore === undefined) return true;
  return (
    isTimestamp(created) &&
    (createdFrom === undefined || !isEarlier(created, createdFrom)) &&
    (createdBefore === undefined || isEarlier(created, createdBefore))
  );
}
