/**
 * Calls `onOver(argument)` once `limitMs` have passed and the event loop has then read what had arrived. After a pause of the
 * process (a stopped container, a long garbage collection) timers run first, while awaited answers may already be in the socket.
 * `onOver` may still run shortly after the timer is cleared, so it must have no effect by then.
 */
export function setTimeLimit<Argument>(
  onOver: (argument: Argument) => void,
  limitMs: number,
  argument: Argument,
): NodeJS.Timeout {
  // A deadline may have passed already.
  return setTimeout(() => setImmediate(onOver, argument), Math.max(0, limitMs));
}

/** Returns a signal that aborts with a TimeoutError after `limitMs`, as counted by `setTimeLimit`. */
export function abortAfter(limitMs: number): AbortSignal {
  const aborter = new AbortController();
  setTimeLimit(
    () => aborter.abort(new DOMException('The time limit was exceeded.', 'TimeoutError')),
    limitMs,
    null,
  ).unref();
  return aborter.signal;
}
