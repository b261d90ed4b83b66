import type { CreatedAccountTask, NewAccountTask } from '../contract/account-task.ts';
import { TaskFailure } from '../contract/failure.ts';
import { formatTimestamp } from '../contract/timestamp.ts';
import { TASK_ROW_COLUMNS, type StoredDetail, toAccountTask, toTaskRow } from './account-task-row.ts';
import type { CatalogueTask } from './catalogue.ts';
import { readClock, type SqlTransaction, type SqlValue } from './sql/database.ts';
import type { KeyedAttempt } from './idempotency/attempt.ts';
import { replayOrDecide } from './idempotency/store-idempotency.ts';
import { clientRevoked } from './secret.ts';
import { createTimeOrderedId } from './time-ordered-ids.ts';

/** A request to create a task for an account. */
export interface Registration {
  readonly accountId: string;
  /** The caller's client; null stands for the account's oldest. */
  readonly clientId: string | null;
  readonly task: NewAccountTask;
  /** Null if the call has no idempotency key. */
  readonly attempt: KeyedAttempt | null;
}

type AccountClient = {
  readonly id: string;
  readonly account_id: string;
  readonly name: string;
  readonly revoked_at: string | null;
};

/** This project's own values: the contract documents no values for Result, Status or a default Notification. */
const RESULT_CREATED = 'CREATED';
const STATUS_REGISTERED = 'REGISTERED';
const DEFAULT_NOTIFICATION = 'NONE';

type Decision = CreatedAccountTask | TaskFailure;

/** Stores the tasks. Returns for each, in their order, what was created now or earlier under its key, or a failure. */
export async function registerTasks(
  transaction: SqlTransaction,
  registrations: readonly Registration[],
  keyExpiryMs: number,
): Promise<readonly Decision[]> {
  const [nowMs, findClient, catalogue] = await Promise.all([
    readClock(transaction),
    readClients(transaction, registrations),
    readCatalogue(transaction, registrations),
  ]);
  // Without its key, a revoked client gets no replays either.
  const permitted = registrations.map((registration) =>
    findClient(registration)?.revoked_at != null ? { ...registration, attempt: null } : registration,
  );
  const decide = (registration: Registration): Decision => {
    const { accountId, task } = registration;
    const client = findClient(registration);
    const catalogueTask = catalogue.get(task.TaskID);
    if (!client) return clientRequired();
    if (client.revoked_at !== null) return clientRevoked();
    return catalogueTask ? toCreated(accountId, toDetail(task, catalogueTask, client, nowMs)) : taskNotFound(task);
  };
  const decisions = await replayOrDecide(transaction, permitted, decide, keyExpiryMs);
  const rows = decisions.flatMap((decision, index) =>
    decision instanceof TaskFailure || decision.replayed ? [] : [toRow(registrations[index], decision)],
  );
  await transaction.insert('account_tasks', TASK_ROW_COLUMNS, rows);
  return decisions;
}

function toRow(registration: Registration | undefined, { accountTask }: CreatedAccountTask): readonly SqlValue[] {
  return toTaskRow(registration?.accountId ?? '', accountTask.detail as StoredDetail);
}

/** Returns a lookup of a registration's client: the caller's, else the account's oldest (lowest ID) that is not revoked. */
async function readClients(transaction: SqlTransaction, registrations: readonly Registration[]) {
  const clients = await transaction.read<AccountClient>(
    `SELECT id, account_id, name, revoked_at FROM clients WHERE id = ANY (?1) OR id IN
      (SELECT MIN(id) FROM clients WHERE account_id = ANY (?2) AND revoked_at IS NULL GROUP BY account_id) ORDER BY id`,
    [
      distinct(registrations.flatMap(({ clientId }) => clientId ?? [])),
      distinct(registrations.map(({ accountId }) => accountId)),
    ],
  );
  const byId = new Map(clients.map((client) => [client.id, client]));
  const current = clients.filter((client) => client.revoked_at === null);
  const oldest = new Map(current.toReversed().map((client) => [client.account_id, client]));
  return ({ accountId, clientId }: Registration): AccountClient | undefined => {
    const own = clientId === null ? undefined : byId.get(clientId);
    return own?.account_id === accountId ? own : oldest.get(accountId);
  };
}

async function readCatalogue(transaction: SqlTransaction, registrations: readonly Registration[]) {
  const tasks = await transaction.read<CatalogueTask>('SELECT id, name FROM catalogue WHERE id = ANY (?1)', [
    distinct(registrations.map(({ task }) => task.TaskID)),
  ]);
  return new Map(tasks.map((task) => [task.id, task]));
}

function toDetail(task: NewAccountTask, { name }: CatalogueTask, client: AccountClient, nowMs: number): StoredDetail {
  const created = formatTimestamp(nowMs);
  return {
    // Lists find a range of creation times as a range of IDs.
    ID: createTimeOrderedId(nowMs),
    TaskID: task.TaskID,
    Name: name,
    Enabled: true,
    Frequency: task.Frequency,
    StartDate: task.StartDate,
    FinishDate: task.FinishDate,
    Parameters: task.Parameters,
    ContentType: task.ContentType,
    Notification: task.Notification ?? DEFAULT_NOTIFICATION,
    DateCreated: created,
    DateModified: created,
    LastRunOn: null,
    LastRunBy: null,
    LastModifiedBy: client.name,
    Status: STATUS_REGISTERED,
    ClientID: client.id,
  };
}

function toCreated(accountId: string, detail: StoredDetail): CreatedAccountTask {
  return {
    accountTask: toAccountTask(detail),
    Identification: { UserId: accountId },
    Result: RESULT_CREATED,
    replayed: false,
  };
}

function clientRequired(): TaskFailure {
  return new TaskFailure(
    { code: 'CLIENT_REQUIRED', outcome: 'REJECTED' },
    'The account has no client; create one before creating tasks.',
  );
}

function taskNotFound({ TaskID }: NewAccountTask): TaskFailure {
  return new TaskFailure(
    { code: 'TASK_NOT_FOUND', outcome: 'REJECTED' },
    `There is no task ${TaskID} in the catalogue of tasks that may be registered.`,
  );
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
