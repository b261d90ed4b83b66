/**
 * Those that reach one point in the same turn of the event loop, and go on from there together. Under load a turn brings
 * dozens of requests and answers in any order; where each is worked on as it comes, the code of one kind of work drives that of
 * the other out of the processor's caches, which was a third of the gateway's own time.
 */
export interface Cohort {
  /** Resolves when the event loop has read what had arrived from the network; at once where it brings one at a time. */
  join(): Promise<void>;
}

/** To find itself alone costs a look at the network: so many who come after one who was alone do not look. */
const SKIPPED_LOOKS = 32;

export function createCohort(): Cohort {
  const nobody = Promise.resolve();
  let gathering: Promise<void> | null = null;
  let size = 0;
  let looksToSkip = 0;
  const gather = (resolve: () => void): void => {
    setImmediate(() => {
      if (size === 1) looksToSkip = SKIPPED_LOOKS;
      size = 0;
      gathering = null;
      resolve();
    });
  };
  return {
    join() {
      if (looksToSkip > 0) {
        looksToSkip -= 1;
        return nobody;
      }
      size += 1;
      gathering ??= new Promise(gather);
      return gathering;
    },
  };
}
