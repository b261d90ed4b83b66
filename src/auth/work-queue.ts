export interface WorkQueueOptions {
  /** The number of jobs that run at the same time. */
  readonly maxRunning: number;
  /** The number of further jobs that may wait. */
  readonly maxWaiting: number;
}

/** Limits the concurrency of expensive work. */
export interface WorkQueue {
  /** Runs the work when it is its turn; returns null if too many jobs are waiting. */
  run<T>(work: () => Promise<T>): Promise<T> | null;
}

export function createWorkQueue({ maxRunning, maxWaiting }: WorkQueueOptions): WorkQueue {
  let running = 0;
  const waiting: (() => void)[] = [];
  const runNow = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
  return {
    run(work) {
      if (running < maxRunning) {
        running += 1;
        return runNow(work);
      }
      if (waiting.length >= maxWaiting) return null;
      return new Promise<void>((resolve) => waiting.push(resolve)).then(() => runNow(work));
    },
  };
}
