import { type AccountTask, DETAIL_FIELDS, type DetailField } from '../contract/account-task.ts';
import type { SqlRow, SqlValue } from './sql/database.ts';

const COLUMNS = {
  ID: 'id',
  TaskID: 'task_id',
  Name: 'name',
  Enabled: 'enabled',
  Frequency: 'frequency',
  StartDate: 'start_date',
  FinishDate: 'finish_date',
  Parameters: 'parameters',
  ContentType: 'content_type',
  Notification: 'notification',
  DateCreated: 'date_created',
  DateModified: 'date_modified',
  LastRunOn: 'last_run_on',
  LastRunBy: 'last_run_by',
  LastModifiedBy: 'last_modified_by',
  Status: 'status',
  ClientID: 'client_id',
} as const satisfies Readonly<Record<DetailField, string>>;

const FIELDS = Object.keys(DETAIL_FIELDS) as readonly DetailField[];

/** A task's Detail as the store holds it: every field, in the contract's order. */
export type StoredDetail = {
  readonly [Field in DetailField]: Field extends 'Enabled'
    ? boolean
    : Field extends 'ID' | 'TaskID' | 'ClientID'
      ? string
      : string | null;
};

/** The fields of a task that its request does not determine. */
const KEPT_FIELDS = ['ID', 'DateCreated', 'DateModified', 'LastRunOn', 'LastRunBy', 'Status', 'ClientID'] as const;
export type KeptFields = Pick<StoredDetail, (typeof KEPT_FIELDS)[number]>;

/** The columns to select for `toStoredTask`, and those for KeptFields. */
export const TASK_COLUMNS = selected(FIELDS);
export const KEPT_COLUMNS = selected(KEPT_FIELDS);

/** The columns to insert for rows of `toTaskRow`. */
export const TASK_ROW_COLUMNS = ['account_id', ...FIELDS.map((field) => COLUMNS[field])];

/** Updates the task of a row of `toTaskRow`, followed by the DateModified that it must have. */
export const UPDATE_TASK = `UPDATE account_tasks
  SET ${FIELDS.slice(1)
    .map((field, index) => `${COLUMNS[field]} = ?${index + 3}`)
    .join(', ')}
  WHERE account_id = ?1 AND id = ?2 AND date_modified = ?${FIELDS.length + 2}`;

function selected(fields: readonly DetailField[]): string {
  return fields.map((field) => `${COLUMNS[field]} AS "${field}"`).join(', ');
}

export function toTaskRow(accountId: string, detail: StoredDetail): readonly SqlValue[] {
  return [accountId, ...FIELDS.map((field) => (field === 'Enabled' ? Number(detail.Enabled) : detail[field]))];
}

export function toStoredTask(row: SqlRow): AccountTask {
  const detail = Object.fromEntries(
    FIELDS.map((field) => [field, field === 'Enabled' ? row[field] === 1 : row[field]]),
  );
  return toAccountTask(detail as unknown as StoredDetail);
}

export function toAccountTask(detail: StoredDetail): AccountTask {
  const { ID, TaskID, ClientID } = detail;
  return { ID, TaskID, ClientID, fields: detail, detail, recordedAt: null };
}
