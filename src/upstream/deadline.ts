/** A phase of a call that ends when the call's time is up. */
export interface Phase {
  onOver(): void;
}

/** One time limit over a whole call; `phase` is the one that is under way. */
export interface Deadline {
  isOver: boolean;
  phase: Phase | null;
  readonly timer: NodeJS.Timeout | null;
}

export function startDeadline(timeoutMs: number): Deadline {
  const deadline: Mutable<Deadline> = { isOver: false, phase: null, timer: null };
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
  if (deadline.isOver) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      deadline.phase = null;
      resolve(true);
    }, delayMs);
    deadline.phase = {
      onOver() {
        clearTimeout(timer);
        resolve(false);
      },
    };
  });
}

function expire(deadline: Deadline): void {
  deadline.isOver = true;
  deadline.phase?.onOver();
}
