/** A server accepts one connection per turn, so the turns between two long ones decide how long a new caller waits. */
const TURNS_BETWEEN = 8;
const waiting: (() => void)[] = [];

/** Resolves in an event-loop turn that no other caller of this function gets. Work of many milliseconds waits for one. */
export function exclusiveTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(admitNext);
  });
}

function admitNext(): void {
  waiting[0]?.();
  setImmediate(passTurns, TURNS_BETWEEN);
}

/** Lets others have their turns before the next caller. A caller that comes meanwhile waits, too. */
function passTurns(turnsLeft: number): void {
  if (turnsLeft > 1) setImmediate(passTurns, turnsLeft - 1);
  else {
    waiting.shift();
    if (waiting.length > 0) admitNext();
  }
}
