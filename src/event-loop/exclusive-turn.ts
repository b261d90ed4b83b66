const waiting: (() => void)[] = [];

/** Resolves in an event-loop turn that no other caller of this function gets. Work of many milliseconds waits for one. */
export function exclusiveTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(admitNext);
  });
}

function admitNext(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(admitNext);
}
