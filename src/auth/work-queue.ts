export interface WorkQueueOptions {
  /** How many pieces of work run at once. */
  readonly maxRunning: number;
  /** How many more may wait for their turn. */
  readonly maxWaiting: number;
}

/** Work that is too dear to run without a bound. */
export interface WorkQueue {
  /** Runs the work when its turn has come; null when too much is waiting already. */
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
