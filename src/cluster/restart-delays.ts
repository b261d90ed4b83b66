export interface RestartDelaysOptions {
  /** After the first life that was too short; it doubles with each that follows. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** A life of this length is no part of a crash loop. */
  readonly steadyMs: number;
}

/** How long to wait before a process that has ended is started again, so that one that crashes at once does not spin. */
export interface RestartDelays {
  next(livedMs: number): number;
}

export function createRestartDelays({ firstMs, maxMs, steadyMs }: RestartDelaysOptions): RestartDelays {
  let shortLives = 0;
  return {
    next(livedMs) {
      if (livedMs >= steadyMs) {
        shortLives = 0;
        return 0;
      }
      shortLives += 1;
      return Math.min(maxMs, firstMs * 2 ** (shortLives - 1));
    },
  };
}
