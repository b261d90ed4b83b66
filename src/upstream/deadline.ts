/** A phase of a call that ends when the call's time is up. */
export interface Phase {
  onExpired(): void;
}

/** One time limit over a whole call. */
export interface Deadline {
  /** True from the moment when nothing may be sent any more. */
  isExpired: boolean;
  /** The phase that is under way. It is ended a little later: what has arrived by then counts. */
  phase: Phase | null;
  readonly timer: NodeJS.Timeout | null;
}

export function startDeadline(timeoutMs: number): Deadline {
  const deadline: Mutable<Deadline> = { isExpired: false, phase: null, timer: null };
  deadline.timer = setTimeout(expire, timeoutMs, deadline);
  return deadline;
}

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

export function clearDeadline(deadline: Deadline): void {
  if (deadline.timer) clearTimeout(deadline.timer);
  deadline.phase = null;
}

/** Resolves with true after `delayMs`, or with false as soon as the deadline is over. */
export function waitWithin(deadline: Deadline, delayMs: number): Promise<boolean> {
  if (deadline.isExpired) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      deadline.phase = null;
      resolve(true);
    }, delayMs);
    deadline.phase = {
      onExpired() {
        clearTimeout(timer);
        resolve(false);
      },
    };
  });
}

function expire(deadline: Deadline): void {
  deadline.isExpired = true;
  // After a pause of the process timers run before the answers that lie in the sockets are read.
  setImmediate(endPhase, deadline);
}

function endPhase(deadline: Deadline): void {
  deadline.phase?.onExpired();
}
