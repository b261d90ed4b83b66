import type { CloseOptions } from '../app/gateway.ts';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** What a worker says to the process that supervises it. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** Sent again and again: its event loop is not blocked. */
  | { readonly kind: 'heartbeat' }
  /** It could not start; the problem is one line for the person who starts it. */
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'snapshot'; readonly snapshot: MetricsSnapshot }
  /** The metrics of all workers are wanted. */
  | { readonly kind: 'metrics-wanted' };

/** What the supervising process says to a worker. */
export type SupervisorMessage =
  | { readonly kind: 'close'; readonly closing: CloseOptions }
  | { readonly kind: 'snapshot-wanted' }
  | { readonly kind: 'metrics'; readonly rendered: RenderedMetrics };

/** How a supervisor finds out that a worker hangs. */
export interface HeartbeatWatch {
  readonly intervalMs: number;
  /** Heartbeats in a row that may be missed. */
  readonly maxMissed: number;
}

export const HEARTBEAT: HeartbeatWatch = { intervalMs: 1_000, maxMissed: 10 };

export interface Heartbeats {
  beat(): void;
  stop(): void;
}

/**
 * Calls back once when too many heartbeats in a row were missed. Intervals of this process are counted, not time: a pause
 * of the whole machine is one interval, however long it was.
 */
export function watchHeartbeats({ intervalMs, maxMissed }: HeartbeatWatch, onHung: () => void): Heartbeats {
  let missed = 0;
  const timer = setInterval(() => {
    missed += 1;
    if (missed <= maxMissed) return;
    clearInterval(timer);
    onHung();
  }, intervalMs).unref();
  return {
    beat() {
      missed = 0;
    },
    stop: () => clearInterval(timer),
  };
}
