/**
 * Calls `onOver` once `limitMs` have passed and the event loop has then read what had arrived. After a pause of the process (a
 * stopped container, a long garbage collection) timers run first, while awaited answers may already be in the socket.
 * `onOver` may still run shortly after the timer is cleared, so it must have no effect by then.
 */
export function setTimeLimit(onOver: () => void, limitMs: number): NodeJS.Timeout {
  // A deadline may have passed already.
  return setTimeout(() => setImmediate(onOver), Math.max(0, limitMs));
}

/**
 * Settles as `work` does, or as `onOver` returns or throws if `limitMs` pass first, as counted by `setTimeLimit`. Work that is
 * late continues unobserved.
 */
export async function withTimeLimit<Result>(
  work: Promise<Result>,
  limitMs: number,
  onOver: () => Result,
): Promise<Result> {
  const over = Promise.withResolvers<Result>();
  let hasEnded = false;
  const timer = setTimeLimit(() => {
    if (!hasEnded) over.resolve(Promise.try(onOver));
  }, limitMs);
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    hasEnded = true;
    clearTimeout(timer);
  }
}

/** Returns a signal that aborts with a TimeoutError after `limitMs`, as counted by `setTimeLimit`. */
export function abortAfter(limitMs: number): AbortSignal {
  const aborter = new AbortController();
  const abort = (): void => aborter.abort(new DOMException('The time limit was exceeded.', 'TimeoutError'));
  setTimeLimit(abort, limitMs).unref();
  return aborter.signal;
}

/** A phase of work that has a `Deadline`. */
export interface Phase {
  onExpired(): void;
}

/** The time limit of work in phases, such as a call with its connecting and its retries. */
export class Deadline {
  /** True once nothing new may begin. */
  isExpired = false;
  /** The current phase. It is ended one event-loop turn after the expiry, so that answers that have already arrived count. */
  phase: Phase | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number) {
    this.#timer = setTimeout(expire, limitMs, this);
  }

  /** To be called when the work has ended. */
  clear(): void {
    clearTimeout(this.#timer);
    this.phase = null;
  }

  /** Resolves with true after `delayMs`, or with false as soon as the deadline expires. */
  wait(delayMs: number): Promise<boolean> {
    if (this.isExpired) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.phase = null;
        resolve(true);
      }, delayMs);
      this.phase = {
        onExpired() {
          clearTimeout(timer);
          resolve(false);
        },
      };
    });
  }
}

function expire(deadline: Deadline): void {
  deadline.isExpired = true;
  setImmediate(() => deadline.phase?.onExpired());
}
