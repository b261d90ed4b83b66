import type { CreatedAccountTask, NewAccountTask, TaskUpdate } from '../contract/account-task.ts';
import { TaskFailure } from '../contract/failure.ts';
import { formatTimestamp, isEarlier, nextTick, toTicks } from '../contract/text-formats.ts';
import {
  createTimeOrderedId,
  insertTasks,
  type KeptFields,
  readKept,
  replaceTask,
  type StoredDetail,
  toAccountTask,
} from './account-tasks.ts';
import type { CatalogueTask } from './catalogue.ts';
import { readClock, type SqlTransaction } from './sql/database.ts';
import type { KeyedAttempt } from './idempotency/attempt.ts';
import { replayOrDecide } from './idempotency/store-idempotency.ts';
import { type Client, CLIENTS, clientRevoked } from './clients.ts';
import { accountTaskNotFound } from './store-failure.ts';

/** A request to create or update a task of an account. */
export interface Registration {
  readonly accountId: string;
  /** The caller's client; null stands for the account's oldest. */
  readonly clientId: string | null;
  readonly task: NewAccountTask;
  /** Null if the call has no idempotency key. */
  readonly attempt: KeyedAttempt | null;
  /** The registered task to update; null to create one. */
  readonly update: Omit<TaskUpdate, 'task'> | null;
}

/** A registration that may be stored, with what it refers to. */
interface Permitted extends Registration {
  readonly client: AccountClient;
  /** The task's name in the catalogue. */
  readonly name: string;
}

const CLIENT_FIELDS = ['id', 'accountId', 'name', 'revokedAt'] as const;
type AccountClient = Pick<Client, (typeof CLIENT_FIELDS)[number]>;

/** This project's own values: the contract documents no values for Status or a default Notification. */
const STATUS_REGISTERED = 'REGISTERED';
const DEFAULT_NOTIFICATION = 'NONE';

type Decision = CreatedAccountTask | TaskFailure;

/** Creates and updates tasks. Returns for each, in their order, what was stored now or earlier under its key, or a failure. */
export async function registerTasks(
  transaction: SqlTransaction,
  registrations: readonly Registration[],
  keyExpiryMs: number,
): Promise<readonly Decision[]> {
  const [nowMs, findClient, names] = await Promise.all([
    readClock(transaction),
    readClients(transaction, registrations),
    readCatalogue(transaction, registrations),
  ]);
  const permit = (registration: Registration): Permitted | TaskFailure => {
    const client = findClient(registration);
    if (!client)
      return new TaskFailure('CLIENT_REQUIRED', 'The account has no client; create one before creating tasks.');
    if (client.revokedAt !== null) return clientRevoked();
    const { TaskID } = registration.task;
    const name = names.get(TaskID);
    if (name !== undefined) return { ...registration, client, name };
    return new TaskFailure(
      'TASK_NOT_FOUND',
      `There is no task ${TaskID} in the catalogue of tasks that may be registered.`,
    );
  };
  const decisions = new Map<Registration, Decision>();
  const creates = registrations.filter(({ update }) => !update);
  const created = await replayOrDecide(
    transaction,
    // Without its key, a revoked client gets no replays either.
    creates.map((create) => (findClient(create)?.revokedAt != null ? { ...create, attempt: null } : create)),
    (create) => {
      const permitted = permit(create);
      return permitted instanceof TaskFailure ? permitted : toNewTask(permitted, nowMs);
    },
    keyExpiryMs,
  );
  for (const [index, create] of creates.entries()) decisions.set(create, created[index] as Decision);
  const rows = [...decisions].flatMap(([{ accountId }, decision]) =>
    decision instanceof TaskFailure || decision.replayed ? [] : [{ accountId, detail: toDetail(decision) }],
  );
  await insertTasks(transaction, rows);
  for (const update of inOrderOfTasks(registrations)) {
    const permitted = permit(update);
    const decision = permitted instanceof TaskFailure ? permitted : await updateTask(transaction, permitted, nowMs);
    decisions.set(update, decision);
  }
  return registrations.map((registration) => decisions.get(registration) as Decision);
}

/** Returns the updates. Those of one task keep their order; one order of tasks for all processes prevents deadlocks. */
function inOrderOfTasks(registrations: readonly Registration[]): readonly Registration[] {
  const byTask = Map.groupBy(registrations, ({ accountId, update }) => update && `${accountId} ${update.id}`);
  byTask.delete(null);
  return [...byTask].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)).flatMap(([, updates]) => updates);
}

async function updateTask(transaction: SqlTransaction, permitted: Permitted, nowMs: number): Promise<Decision> {
  const { accountId, update } = permitted;
  const { id = '', enabled = true, ifModified = null } = update ?? {};
  for (;;) {
    const kept = await readKept(transaction, accountId, id);
    if (!kept) return accountTaskNotFound(id, 'changed');
    const modified = kept.DateModified ?? '';
    if (ifModified !== null && toTicks(ifModified) !== toTicks(modified)) return conflict(modified);
    const now = formatTimestamp(nowMs);
    // Two states of a task never have the same time, or ifModified could not tell them apart.
    const DateModified = isEarlier(modified, now) ? now : nextTick(modified);
    const updated = toStored('UPDATED', permitted, { ...kept, DateModified }, enabled);
    // Otherwise another transaction has updated the task since it was read.
    if (await replaceTask(transaction, { accountId, detail: toDetail(updated) }, modified)) return updated;
  }
}

function toDetail({ accountTask }: CreatedAccountTask): StoredDetail {
  return accountTask.detail as StoredDetail;
}

/** Returns a lookup of a registration's client: the caller's, else the account's oldest (lowest ID) that is not revoked. */
async function readClients(transaction: SqlTransaction, registrations: readonly Registration[]) {
  const clients = await transaction.read<AccountClient>(
    `SELECT ${CLIENTS.select(CLIENT_FIELDS)} FROM clients WHERE id = ANY (?1) OR id IN
      (SELECT MIN(id) FROM clients WHERE account_id = ANY (?2) AND revoked_at IS NULL GROUP BY account_id) ORDER BY id`,
    [
      distinct(registrations.flatMap(({ clientId }) => clientId ?? [])),
      distinct(registrations.map(({ accountId }) => accountId)),
    ],
  );
  const byId = new Map(clients.map((client) => [client.id, client]));
  const current = clients.filter((client) => client.revokedAt === null);
  const oldest = new Map(current.toReversed().map((client) => [client.accountId, client]));
  return ({ accountId, clientId }: Registration): AccountClient | undefined => {
    const own = clientId === null ? undefined : byId.get(clientId);
    return own?.accountId === accountId ? own : oldest.get(accountId);
  };
}

async function readCatalogue(transaction: SqlTransaction, registrations: readonly Registration[]) {
  const tasks = await transaction.read<CatalogueTask>('SELECT id, name FROM catalogue WHERE id = ANY (?1)', [
    distinct(registrations.map(({ task }) => task.TaskID)),
  ]);
  return new Map(tasks.map(({ id, name }) => [id, name]));
}

function toNewTask(permitted: Permitted, nowMs: number): CreatedAccountTask {
  const created = formatTimestamp(nowMs);
  const kept = {
    // Lists find a range of creation times as a range of IDs.
    ID: createTimeOrderedId(nowMs),
    DateCreated: created,
    DateModified: created,
    LastRunOn: null,
    LastRunBy: null,
    Status: STATUS_REGISTERED,
    ClientID: permitted.client.id,
  };
  return toStored('CREATED', permitted, kept, true);
}

/** The result of a write. The contract documents no values for Result. */
function toStored(
  Result: string,
  { accountId, task, client, name }: Permitted,
  kept: KeptFields,
  Enabled: boolean,
): CreatedAccountTask {
  const detail: StoredDetail = {
    ID: kept.ID,
    TaskID: task.TaskID,
    Name: name,
    Enabled,
    Frequency: task.Frequency,
    StartDate: task.StartDate,
    FinishDate: task.FinishDate,
    Parameters: task.Parameters,
    ContentType: task.ContentType,
    Notification: task.Notification ?? DEFAULT_NOTIFICATION,
    DateCreated: kept.DateCreated,
    DateModified: kept.DateModified,
    LastRunOn: kept.LastRunOn,
    LastRunBy: kept.LastRunBy,
    LastModifiedBy: client.name,
    Status: kept.Status,
    ClientID: kept.ClientID,
  };
  return { accountTask: toAccountTask(detail), Identification: { UserId: accountId }, Result, replayed: false };
}

function conflict(modified: string): TaskFailure {
  return new TaskFailure(
    'CONFLICT',
    `The account task was modified at ${modified}, so ifModified does not match; nothing was changed.`,
  );
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
