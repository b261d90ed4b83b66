import { TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';
import { toIdentity } from './caller-identity.ts';
import type { RefusedCredentials } from './refused-credentials.ts';
import type { TaskRecords } from './task-records.ts';

export interface RecordingOptions {
  readonly records: TaskRecords;
  readonly refusals: RefusedCredentials;
  /** Called for a task that was created but could not be recorded: until it can be, it cannot be read back here. */
  readonly onUnrecorded: (taskId: string, error: unknown) => void;
}

/** A task service that records what was created, and reads from the record while the service accepts the caller. */
export function recordedTaskService(
  inner: TaskService,
  { records, refusals, onUnrecorded }: RecordingOptions,
): TaskService {
  return {
    ...inner,
    async create(task, call) {
      try {
        const created = await inner.create(task, call);
        const { accountTask } = created;
        // The task is there whatever becomes of the record.
        await records
          .add(toIdentity(call.caller), accountTask, call.beginStep)
          .catch((error: unknown) => onUnrecorded(accountTask.ID, error));
        return created;
      } catch (error) {
        if (isRefusedCaller(error)) await refusals.note(toIdentity(call.caller));
        throw error;
      }
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

/** True for a 401 of the service. */
function isRefusedCaller(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UNAUTHENTICATED' && error.outcome === 'REJECTED';
}
