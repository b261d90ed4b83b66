import { operationTimedOut } from '../../contract/failure.ts';
import type { Call, TaskService } from '../../contract/task-service.ts';
import { withTimeLimit } from '../../event-loop/time-limit.ts';

/** The time limit of operations. Work that exceeds it fails with OVERLOADED, NOT_SENT. */
export interface OperationTime {
  /** The deadline of an operation that starts now, in milliseconds of `performance.now()`. */
  deadlineMs(): number;
  /** Rejects at the deadline unless the work has settled. Only for work without side effects, which continues unobserved. */
  within<Result>(deadlineMs: number, work: Promise<Result>): Promise<Result>;
  /** Decorates a task service: past the deadline reads fail and no write starts. A write that has started is never cut off. */
  limit(tasks: TaskService): TaskService;
}

export function createOperationTime(timeoutMs: number, onOver: () => void): OperationTime {
  const over = (): Error => {
    onOver();
    return operationTimedOut();
  };
  const within = <Result>(deadlineMs: number, work: Promise<Result>): Promise<Result> =>
    withTimeLimit(work, deadlineMs - performance.now(), () => {
      throw over();
    });
  const read = <Result>(call: Call, work: () => Promise<Result>): Promise<Result> => {
    if (call.deadlineMs === undefined) return work();
    return isOver(call) ? Promise.reject(over()) : within(call.deadlineMs, work());
  };
  return {
    deadlineMs: () => performance.now() + timeoutMs,
    within,
    limit: (tasks) => ({
      ...tasks,
      create: (task, call) => (isOver(call) ? Promise.reject(over()) : tasks.create(task, call)),
      find: (...request) => read(request[1], () => tasks.find(...request)),
      list: (...request) => read(request[1], () => tasks.list(...request)),
    }),
  };
}

function isOver({ deadlineMs }: Call): boolean {
  return deadlineMs !== undefined && performance.now() >= deadlineMs;
}
