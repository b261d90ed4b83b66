/* The tasks that the store keeps itself: their rows, their IDs and their reads. */
import { randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type AccountTask, DETAIL_FIELDS, type DetailField } from '../contract/account-task.ts';
import type { AccountCaller } from '../contract/task-service.ts';
import { toEpochMs, toUtc } from '../contract/text-formats.ts';
import { isNotRevoked, refuseRevoked } from './clients.ts';
import { type Database, describeTable, type SqlRow, type SqlTransaction } from './sql/database.ts';
import { createTaskReads } from './task-reads.ts';

/** A task's Detail as the store holds it: every field, in the contract's order. */
export type StoredDetail = {
  readonly [Field in DetailField]: Field extends 'Enabled'
    ? boolean
    : Field extends 'ID' | 'TaskID' | 'ClientID'
      ? string
      : string | null;
};

const FIELDS = Object.keys(DETAIL_FIELDS) as readonly DetailField[];
const ACCOUNT_TASKS = describeTable<SqlRow>('account_tasks', 'accountId', ...FIELDS);

/** The fields of a task that its request does not determine. */
const KEPT_FIELDS = ['ID', 'DateCreated', 'DateModified', 'LastRunOn', 'LastRunBy', 'Status', 'ClientID'] as const;
export type KeptFields = Pick<StoredDetail, (typeof KEPT_FIELDS)[number]>;

/** Reads the kept fields of a task; undefined if the account has no such task. */
export async function readKept(
  transaction: SqlTransaction,
  accountId: string,
  id: string,
): Promise<KeptFields | undefined> {
  const sql = `SELECT ${ACCOUNT_TASKS.select(KEPT_FIELDS)} FROM account_tasks WHERE account_id = ?1 AND id = ?2`;
  return (await transaction.read<KeptFields>(sql, [accountId, id]))[0];
}

export interface OwnedDetail {
  readonly accountId: string;
  readonly detail: StoredDetail;
}

export function insertTasks(transaction: SqlTransaction, tasks: readonly OwnedDetail[]): Promise<void> {
  return ACCOUNT_TASKS.insert(transaction, tasks.map(toRow));
}

const UPDATE = `UPDATE account_tasks SET ${ACCOUNT_TASKS.columns
  .slice(2)
  .map((column, index) => `${column} = ?${index + 3}`)
  .join(', ')} WHERE account_id = ?1 AND id = ?2 AND date_modified = ?${ACCOUNT_TASKS.columns.length + 1}`;

/** Replaces a task. Returns false if its DateModified is not `modified` any more. */
export async function replaceTask(transaction: SqlTransaction, task: OwnedDetail, modified: string): Promise<boolean> {
  return (await transaction.write(UPDATE, [...ACCOUNT_TASKS.toValues(toRow(task)), modified])) > 0;
}

function toRow({ accountId, detail }: OwnedDetail): SqlRow {
  return { accountId, ...detail, Enabled: Number(detail.Enabled) };
}

export function toAccountTask(detail: StoredDetail): AccountTask {
  const { ID, TaskID, ClientID } = detail;
  return { ID, TaskID, ClientID, fields: detail, detail, recordedAt: null };
}

function toStoredTask(row: SqlRow): AccountTask {
  const detail = FIELDS.map((field) => [field, field === 'Enabled' ? row[field] === 1 : row[field]]);
  return toAccountTask(Object.fromEntries(detail) as StoredDetail);
}

const SCOPE = `account_id = ?1 AND ${isNotRevoked('?2')}`;

/** Creates the reads of the store's tasks. They fail for a revoked client. */
export function createStoredReads(database: Database) {
  return createTaskReads(database, {
    table: 'account_tasks',
    columns: ACCOUNT_TASKS.select(FIELDS),
    text: 'parameters',
    key: 'id',
    scope: SCOPE,
    toParameters: ({ accountId, clientId }: AccountCaller) => [accountId, clientId],
    toTask: toStoredTask,
    indexed: ['taskIds', 'createdFrom', 'createdBefore'],
    // An ID contains the millisecond in which its task was created.
    toList({ createdFrom, createdBefore }, { above, below }, bind) {
      const from = createdFrom === undefined ? '' : toIdPrefix(toEpochMs(createdFrom));
      const until = createdBefore === undefined ? below : toIdPrefix(toEpochMs(createdBefore) + 1);
      let scope = SCOPE;
      if (createdFrom !== undefined) scope += ` AND date_created >= ${bind(toUtc(createdFrom))}`;
      if (createdBefore !== undefined) scope += ` AND date_created < ${bind(toUtc(createdBefore))}`;
      return { scope, above: from > above ? from : above, below: until < below ? until : below };
    },
    refuse: (reader, { clientId }) => refuseRevoked(reader, clientId),
  });
}

const SEQUENCES = 2 ** 31;
let last = { msecs: 0, seq: 0 };

/**
 * Creates a UUID of version 7 for a time in milliseconds since 1970. It sorts after those that this process created before for
 * the same millisecond.
 */
export function createTimeOrderedId(epochMs: number): string {
  last = { msecs: epochMs, seq: epochMs === last.msecs ? last.seq + 1 : randomInt(SEQUENCES) };
  return uuidv7(last);
}

/** Returns a text that sorts before the UUIDs (version 7) created from this millisecond on, and after all earlier ones. */
export function toIdPrefix(epochMs: number): string {
  const hex = Math.max(0, epochMs).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
