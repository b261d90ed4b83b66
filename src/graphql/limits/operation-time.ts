import { operationTimedOut } from '../../contract/failure.ts';
import type { Call, TaskService } from '../../contract/task-service.ts';
import { setTimeLimit } from '../../event-loop/time-limit.ts';

/** The time that an operation may take. What is over time is OVERLOADED, NOT_SENT. */
export interface OperationTime {
  /** When an operation that begins now has to end, in milliseconds of `performance.now()`. */
  endMs(): number;
  /** Waits for work that changes nothing, but not for longer than until then. */
  within<Result>(untilMs: number, work: Promise<Result>): Promise<Result>;
  /** A task service that keeps to the time of its calls: reads are given up, and no write starts, but one that did is not cut off. */
  limit(tasks: TaskService): TaskService;
}

export function createOperationTime(timeoutMs: number, onOver: () => void): OperationTime {
  const over = (): Error => {
    onOver();
    return operationTimedOut();
  };
  const within = <Result>(untilMs: number, work: Promise<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      let hasEnded = false;
      const giveUp = (): void => {
        if (!hasEnded) reject(over());
      };
      const timer = setTimeLimit(giveUp, untilMs - performance.now(), null);
      const end = (): void => {
        hasEnded = true;
        clearTimeout(timer);
      };
      work.then(end, end);
      work.then(resolve, reject);
    });
  const read = <Result>(call: Call, work: () => Promise<Result>): Promise<Result> => {
    if (call.untilMs === undefined) return work();
    return isOver(call) ? Promise.reject(over()) : within(call.untilMs, work());
  };
  return {
    endMs: () => performance.now() + timeoutMs,
    within,
    limit: (tasks) => ({
      ...tasks,
      create: (task, call) => (isOver(call) ? Promise.reject(over()) : tasks.create(task, call)),
      find: (...request) => read(request[1], () => tasks.find(...request)),
      list: (...request) => read(request[1], () => tasks.list(...request)),
    }),
  };
}

function isOver({ untilMs }: Call): boolean {
  return untilMs !== undefined && performance.now() >= untilMs;
}
