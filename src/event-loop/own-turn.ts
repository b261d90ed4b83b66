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
