/**
 * Those that reach one point in the same turn of the event loop, and go on from there together. Under load a turn brings
 * dozens of requests and answers in any order; where each is worked on as it comes, the code of one kind of work drives that of
 * the other out of the processor's caches, which was a third of the gateway's own time.
 */
export interface Cohort {
  /** Calls `goOn`, which must not throw, when the event loop has read what had arrived from the network; at once where it brings one at a time. */
  join(goOn: () => void): void;
}

/** To find itself alone costs a look at the network: so many who come after one who was alone do not look. */
const SKIPPED_LOOKS = 32;

/** Whether a cohort is being worked on: from its release until no promise of its work is left to be seen to. */
let isCohortAtWork = false;

export function createCohort(): Cohort {
  let gathering: (() => void)[] | null = null;
  let looksToSkip = 0;
  const release = (gathered: readonly (() => void)[]): void => {
    gathering = null;
    if (gathered.length === 1) looksToSkip = SKIPPED_LOOKS;
    isCohortAtWork = true;
    // A tick that a promise's work asks for comes when no promise is left; one asked for here would come before them all.
    queueMicrotask(() => process.nextTick(endCohort));
    for (const goOn of gathered) goOn();
  };
  return {
    join(goOn) {
      if (looksToSkip > 0) {
        looksToSkip -= 1;
        goOn();
      } else if (gathering) gathering.push(goOn);
      else setImmediate(release, (gathering = [goOn]));
    },
  };
}

function endCohort(): void {
  isCohortAtWork = false;
}

/** Resolves when those who came with this one have come as far: its cohort, else whatever this turn of the event loop brings. */
export function othersOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (isCohortAtWork) process.nextTick(resolve);
    else setImmediate(resolve);
  });
}

const waiting: (() => void)[] = [];

/** Resolves in a turn of the event loop that no other caller of this function gets: work of many milliseconds waits for one. */
export function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(letNextIn);
  });
}

function letNextIn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(letNextIn);
}
