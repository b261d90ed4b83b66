import type { TaskService } from '../contract/task-service.ts';
import { toIdentity } from './caller-identity.ts';
import type { TaskRecords } from './task-records.ts';

export interface RecordingOptions {
  readonly records: TaskRecords;
  /** Told of a task that was created but could not be recorded: until it can be, it cannot be read back here. */
  readonly onUnrecorded: (taskId: string, error: unknown) => void;
}

/** A task service that records what was created, and reads from the record. */
export function recordedTaskService(inner: TaskService, { records, onUnrecorded }: RecordingOptions): TaskService {
  return {
    ...inner,
    async create(task, call) {
      const created = await inner.create(task, call);
      const { accountTask } = created;
      // The task is there whatever becomes of the record.
      await records
        .add(toIdentity(call.caller), accountTask, call.beginStep)
        .catch((error: unknown) => onUnrecorded(accountTask.ID, error));
      return created;
    },
    find: (ids, { caller }) => records.find(toIdentity(caller), ids),
    list: (page, { caller }) => records.list(toIdentity(caller), page),
    async close() {
      await inner.close();
      await records.close();
    },
  };
}
