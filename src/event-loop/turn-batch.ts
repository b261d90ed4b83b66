/**
 * Collects callbacks that become ready in one event-loop turn and runs them back to back. Under load a turn brings dozens of
 * requests and answers in mixed order. Handling each as it arrives evicts the code of one kind of work from the processor's
 * caches for that of another, which cost a third of the gateway's own time.
 */
export interface TurnBatch {
  /** Runs `callback` once the event loop has read what had arrived, or at once under light load. `callback` must not throw. */
  add(callback: () => void): void;
}

/** Waiting costs a poll of the network. After a batch of one, this many callbacks run without waiting. */
const UNBATCHED_CALLBACKS = 32;

/** True from the start of a batch until no promise of its work is left to settle. */
let isBatchRunning = false;

export function createTurnBatch(): TurnBatch {
  let batch: (() => void)[] | null = null;
  let unbatchedLeft = 0;
  const run = (callbacks: readonly (() => void)[]): void => {
    batch = null;
    if (callbacks.length === 1) unbatchedLeft = UNBATCHED_CALLBACKS;
    isBatchRunning = true;
    // A tick requested from a microtask runs after all pending promises; one requested here would run before them.
    queueMicrotask(() => process.nextTick(markBatchEnd));
    for (const callback of callbacks) callback();
  };
  return {
    add(callback) {
      if (unbatchedLeft > 0) {
        unbatchedLeft -= 1;
        callback();
      } else if (batch) batch.push(callback);
      else setImmediate(run, (batch = [callback]));
    },
  };
}

function markBatchEnd(): void {
  isBatchRunning = false;
}

/** Resolves once every other request of this batch has reached this point; outside a batch, at the end of this event-loop turn. */
export function endOfBatch(): Promise<void> {
  return new Promise((resolve) => {
    if (isBatchRunning) process.nextTick(resolve);
    else setImmediate(resolve);
  });
}

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
