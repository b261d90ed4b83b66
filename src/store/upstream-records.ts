import { TaskFailure } from '../contract/failure.ts';
import { type Call, decorateWrites, type TaskService } from '../contract/task-service.ts';
import { toIdentity } from './caller-identity.ts';
import { type IdempotencyOptions, idempotentTaskService } from './idempotency/upstream-idempotency.ts';
import { createPurge } from './purge.ts';
import { createRefusedCredentials, type RefusedCredentials } from './refused-credentials.ts';
import { type Database, toIso } from './sql/database.ts';
import { accountTaskNotFound, databaseCheck } from './store-failure.ts';
import { createTaskRecords, type TaskRecords, toRecord } from './task-records.ts';

export interface UpstreamRecordsOptions extends Omit<IdempotencyOptions, 'database' | 'onUnwritten'> {
  /** Days that records and settled attempts are kept; for ever if null. Keys stay until they expire. */
  readonly recordDays: number | null;
  /** Called for what happened upstream but could not be stored here. */
  readonly onUnwritten: (what: 'record' | 'settlement' | 'refusal', error: unknown) => void;
}

/** Decorates an upstream with our database: created tasks are recorded and can be read, and idempotency keys are honoured. */
export function withUpstreamRecords(
  upstream: TaskService,
  database: Database,
  options: UpstreamRecordsOptions,
): TaskService {
  const { maxPending, onUnwritten, observeCommits } = options;
  const queueOf = (what: 'record' | 'refusal') => ({
    database,
    maxPending,
    onUnwritten: (error: unknown) => onUnwritten(what, error),
    observer: observeCommits?.(what),
  });
  const records = createTaskRecords(queueOf('record'));
  const refusals = createRefusedCredentials(queueOf('refusal'));
  const recorded = recordedTaskService(upstream, records, refusals);
  const idempotent = idempotentTaskService(recorded, { database, ...options });
  const purge = createPurge({ database, ...options, observer: observeCommits?.('purge') });
  return {
    ...idempotent,
    checks: { ...upstream.checks, database: databaseCheck(database) },
    async close() {
      await purge.close();
      await idempotent.close();
      await database.close();
    },
  };
}

/**
 * Decorates a task service: records the tasks that its writes show, and serves reads from the records while the service accepts
 * the caller. A caller that the service does not know itself updates and runs only tasks that are recorded for it.
 */
export function recordedTaskService(
  inner: TaskService,
  records: TaskRecords,
  refusals: RefusedCredentials,
): TaskService {
  const writes = decorateWrites(inner, (write) => async (input, call) => {
    try {
      return await write(input, call);
    } catch (error) {
      if (isRefusedCaller(error)) await refusals.note(toIdentity(call.caller));
      throw error;
    }
  });
  const refuseUnrecorded = async (id: string, { caller }: Call): Promise<void> => {
    if (caller.kind !== 'subject') return;
    const [task] = await records.find(toIdentity(caller), [id], 1);
    if (!task) throw accountTaskNotFound(id, 'sent');
  };
  return {
    ...inner,
    ...writes,
    async create(task, call) {
      const created = await writes.create(task, call);
      const accountTask = { ...created.accountTask, recordedAt: toIso(Date.now()) };
      // The record of a write with a key is written with the result of its key.
      if (call.idempotencyKey == null) await records.write(toRecord(toIdentity(call.caller), accountTask));
      return { ...created, accountTask };
    },
    async update(update, call) {
      const owner = toIdentity(call.caller);
      await refuseUnrecorded(update.id, call);
      try {
        const updated = await writes.update(update, call);
        const accountTask = updated.accountTask && { ...updated.accountTask, recordedAt: toIso(Date.now()) };
        await records.write({ ...toRecord(owner, accountTask ?? { ID: update.id }), isUpdate: true });
        return { ...updated, accountTask };
      } catch (error) {
        if (error instanceof TaskFailure && error.outcome === 'UNKNOWN')
          await records.write({ ...toRecord(owner, { ID: update.id }), isUpdate: true, credential: null });
        throw error;
      }
    },
    async run(order, call) {
      await refuseUnrecorded(order.id, call);
      const started = await writes.run(order, call);
      const owner = toIdentity(call.caller);
      // It only lifts a refusal of the credential.
      if (owner.credential && call.idempotencyKey == null) await records.write(toRecord(owner, { ID: order.id }));
      return started;
    },
    async find(ids, { caller }, maxBytes) {
      const owner = toIdentity(caller);
      const [tasks] = await Promise.all([records.find(owner, ids, maxBytes), refusals.check(owner)]);
      return tasks;
    },
    async list(page, { caller }) {
      const owner = toIdentity(caller);
      const [tasks] = await Promise.all([records.list(owner, page), refusals.check(owner)]);
      return tasks;
    },
    async close() {
      await inner.close();
      await records.close();
      await refusals.close();
    },
  };
}

/** Returns true for a 401 of the service. */
function isRefusedCaller(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UNAUTHENTICATED' && error.outcome === 'REJECTED';
}
