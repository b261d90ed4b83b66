import type { NewAccountTask, ClientOrder, CreatedClient } from '../contract/account-task.ts';
import { badInputMember, notSupported, TaskFailure } from '../contract/failure.ts';
import type { AccountCaller, TaskService } from '../contract/task-service.ts';
import { isEarlier } from '../contract/text-formats.ts';
import { currentSteps } from '../event-loop/request-steps.ts';
import { type ObserveCommits, createGroupCommit } from './group-commit.ts';
import type { Database } from './sql/database.ts';
import { type Clients, refuseRevoked } from './clients.ts';
import { databaseCheck, throwReadFailure, toWriteFailure } from './store-failure.ts';
import { accountCaller, toIdentity } from './caller-identity.ts';
import { CREATE, toKeyedAttempt } from './idempotency/attempt.ts';
import { readWriteOutcome } from './idempotency/keys.ts';
import { type Registration, registerTasks } from './registration.ts';
import { createStoredReads } from './account-tasks.ts';

export interface StoredTaskServiceOptions {
  readonly database: Database;
  readonly clients: Clients;
  /** How many creates and updates may wait for their commit. */
  readonly maxPending: number;
  /** How long an idempotency key replays its first result. */
  readonly keyExpiryMs: number;
  readonly observeCommits?: ObserveCommits | undefined;
}

/** Creates the task service over our own database. Its `close` finishes pending writes but leaves the database open. */
export function createStoredTaskService({
  database,
  clients,
  maxPending,
  keyExpiryMs,
  observeCommits,
}: StoredTaskServiceOptions): TaskService {
  const writes = createGroupCommit({
    database,
    maxPending,
    observer: observeCommits?.('task'),
    sizeOf: ({ task }: Registration) => task.Parameters.length,
    write: (transaction, registrations: readonly Registration[]) =>
      registerTasks(transaction, registrations, keyExpiryMs),
  });
  const reads = createStoredReads(database);
  return {
    async create(task, call) {
      const { accountId, clientId } = accountCaller(call);
      checkDates(task);
      return writes.add({ accountId, clientId, task, attempt: toKeyedAttempt(CREATE, task, call), update: null });
    },
    async update({ task, ...update }, call) {
      const { accountId, clientId } = accountCaller(call);
      checkDates(task);
      return writes.add({ accountId, clientId, task, attempt: null, update });
    },
    async run(_order, call) {
      accountCaller(call);
      throw notSupported('Nothing runs tasks in the task store, so none can be run now.');
    },
    createClient: async (order, call) => createClient(clients, order, accountCaller(call)),
    find: async (ids, call, maxBytes) => reads.find(accountCaller(call), ids, maxBytes),
    list: async (page, call) => reads.list(accountCaller(call), page),
    async findOutcome(idempotencyKey, call) {
      const caller = accountCaller(call);
      const [outcome] = await Promise.all([
        readWriteOutcome(database, toIdentity(caller), idempotencyKey),
        refuseRevoked(database, caller.clientId),
      ]).catch(throwReadFailure);
      return outcome;
    },
    checks: { database: databaseCheck(database) },
    close: () => writes.close(),
  };
}

function checkDates({ StartDate, FinishDate }: NewAccountTask): void {
  if (StartDate !== null && FinishDate !== null && isEarlier(FinishDate, StartDate))
    throw badInputMember('finishDate', `expected startDate (${StartDate}) or a later time, got ${FinishDate}`);
}

/** A secret takes tens of milliseconds of one of Node's four worker threads. */
const MAX_NEW_CLIENTS = 16;
let newClients = 0;

/** Creates a client for a caller with a token of the account itself, in that account only. */
async function createClient(clients: Clients, order: ClientOrder, caller: AccountCaller): Promise<CreatedClient> {
  if (caller.clientId !== null)
    throw forbidden('Only a bearer token of the account itself may create clients, not one of a client.');
  if (order.UserID !== caller.accountId) throw forbidden('A bearer token creates clients in its own account only.');
  if (newClients >= MAX_NEW_CLIENTS)
    throw new TaskFailure({ code: 'OVERLOADED', outcome: 'NOT_SENT' }, 'Too many clients are being created.');
  newClients += 1;
  const step = currentSteps()?.begin({ kind: 'commit', items: 1 });
  try {
    const { Name, UserID, Secret } = order;
    const { client, secret } = await clients.create({ name: Name, accountId: UserID, secret: Secret });
    step?.end({});
    return { ID: client.id, Name, Secret: secret, detail: { ID: client.id, Name, Secret: secret } };
  } catch (error) {
    step?.end({ error });
    throw toWriteFailure(error, 'a client may exist whose secret nobody has; create another');
  } finally {
    newClients -= 1;
  }
}

function forbidden(message: string): TaskFailure {
  return new TaskFailure({ code: 'FORBIDDEN', outcome: 'NOT_SENT' }, message);
}
