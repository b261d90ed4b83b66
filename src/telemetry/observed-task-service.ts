import type { AccountTask, CreatedAccountTask } from '../contract/account-task.ts';
import { type EnumTables, findMember } from '../contract/enums.ts';
import { FAILURES, TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';
import type { Metrics } from './metrics.ts';

const CREATED = { code: 'OK', outcome: 'CREATED' } as const;
const UNEXPECTED = { code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN' } as const;

export interface ObservationOptions {
  readonly backend: 'store' | 'upstream';
  readonly tables: EnumTables;
  readonly metrics: Metrics;
}

/** A decorator that counts creates, and the values in their answers that are not in the enums. */
export function observedTaskService(inner: TaskService, { backend, tables, metrics }: ObservationOptions): TaskService {
  const failures = FAILURES.flatMap(({ code, outcomes }) => outcomes.map((outcome) => ({ code, outcome })));
  metrics.preregisterCreates(backend, [CREATED, ...failures, UNEXPECTED]);
  const count = ({ code, outcome }: { readonly code: string; readonly outcome: string }): void =>
    metrics.countCreate(backend, code, outcome);
  const succeed = (created: CreatedAccountTask): CreatedAccountTask => {
    count(CREATED);
    if (created.replayed) metrics.countReplay();
    countUnknownValues(created.accountTask, tables, metrics);
    return created;
  };
  const fail = (error: unknown): never => {
    count(error instanceof TaskFailure ? error : UNEXPECTED);
    throw error;
  };
  return {
    ...inner,
    create: (task, call) => inner.create(task, call).then(succeed, fail),
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
