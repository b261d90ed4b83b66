import type { AccountTask } from '../contract/account-task.ts';
import { type EnumTables, findMember } from '../contract/enums.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';
import type { Metrics } from './metrics.ts';

export interface ObservationOptions {
  readonly backend: 'store' | 'upstream';
  readonly tables: EnumTables;
  readonly metrics: Metrics;
}

/** A task service whose creates are counted, and the values in their answers that the enums cannot name. */
export function observedTaskService(inner: TaskService, { backend, tables, metrics }: ObservationOptions): TaskService {
  return {
    ...inner,
    async create(task, call) {
      try {
        const created = await inner.create(task, call);
        metrics.countCreate(backend, 'OK', 'CREATED');
        if (created.replayed) metrics.countReplay();
        countUnknownValues(created.accountTask, tables, metrics);
        return created;
      } catch (error) {
        if (error instanceof TaskFailure) metrics.countCreate(backend, error.code, error.outcome);
        else metrics.countCreate(backend, 'INTERNAL_SERVER_ERROR', 'UNKNOWN');
        throw error;
      }
    },
  };
}

function countUnknownValues(
  { fields }: AccountTask,
  { frequencies, notifications }: EnumTables,
  metrics: Metrics,
): void {
  const { Frequency, Notification } = fields;
  if (Frequency != null && !findMember(frequencies, Frequency)) metrics.countUnknownValue('Frequency');
  if (Notification != null && !findMember(notifications, Notification)) metrics.countUnknownValue('Notification');
}
