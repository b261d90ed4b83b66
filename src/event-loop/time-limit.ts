/**
 * Calls `onOver` when the time is over and the event loop has then read what had arrived. After a pause of the process (a stopped
 * container, a long garbage collection) timers run first, while the answers that they gave up waiting for lie in the sockets.
 * A timer that is cleared too late to stop the call must find nothing to do.
 */
export function setTimeLimit<Argument>(
  onOver: (argument: Argument) => void,
  limitMs: number,
  argument: Argument,
): NodeJS.Timeout {
  return setTimeout(() => setImmediate(onOver, argument), limitMs);
}

/** A signal that aborts when the time is over, as `setTimeLimit` counts it. */
export function abortAfter(limitMs: number): AbortSignal {
  const aborter = new AbortController();
  setTimeLimit(() => aborter.abort(new DOMException('The time is over.', 'TimeoutError')), limitMs, null).unref();
  return aborter.signal;
}
