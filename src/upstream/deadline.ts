/** A phase of a call; it is told when the call's time is up. */
export interface Phase {
  onExpired(): void;
}

/** The time limit of a whole call, with its connecting and its retries. */
export interface Deadline {
  /** True once nothing may be sent any more. */
  isExpired: boolean;
  /** The current phase. It is ended one event-loop turn after the expiry, so that answers that have already arrived count. */
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

/** Resolves with true after `delayMs`, or with false as soon as the deadline expires. */
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
  // After a pause of the process, timers run before the answers in the socket buffers are read.
  setImmediate(endPhase, deadline);
}

function endPhase(deadline: Deadline): void {
  deadline.phase?.onExpired();
}
