/** One time limit over a whole call; `onOver` belongs to the phase that is under way. */
export interface Deadline {
  isOver: boolean;
  onOver: (() => void) | null;
  readonly timer: NodeJS.Timeout;
}

export function startDeadline(timeoutMs: number): Deadline {
  const deadline: Deadline = { isOver: false, onOver: null, timer: setTimeout(() => expire(deadline), timeoutMs) };
  return deadline;
}

export function clearDeadline(deadline: Deadline): void {
  clearTimeout(deadline.timer);
  deadline.onOver = null;
}

/** Resolves with true after `delayMs`, or with false as soon as the deadline is over. */
export function waitWithin(deadline: Deadline, delayMs: number): Promise<boolean> {
  if (deadline.isOver) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      deadline.onOver = null;
      resolve(true);
    }, delayMs);
    deadline.onOver = () => {
      clearTimeout(timer);
      resolve(false);
    };
  });
}

function expire(deadline: Deadline): void {
  deadline.isOver = true;
  deadline.onOver?.();
}
