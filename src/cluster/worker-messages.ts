import type { CloseOptions } from '../app/gateway.ts';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** A message from a worker to its supervisor. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** Sent at an interval while the event loop is not blocked. */
  | { readonly kind: 'heartbeat' }
  /** Startup failed; the problem is one line for the person who starts the gateway. */
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'snapshot'; readonly snapshot: MetricsSnapshot }
  /** Requests the metrics of all workers. */
  | { readonly kind: 'metrics-wanted' };

/** A message from the supervisor to a worker. */
export type SupervisorMessage =
  | { readonly kind: 'close'; readonly options: CloseOptions }
  | { readonly kind: 'snapshot-wanted' }
  | { readonly kind: 'metrics'; readonly rendered: RenderedMetrics };

/** The rule by which a supervisor decides that a worker hangs. */
export interface HeartbeatRule {
  readonly intervalMs: number;
  /** The number of consecutive heartbeats that may be missed. */
  readonly maxMissed: number;
}

export const HEARTBEAT: HeartbeatRule = { intervalMs: 1_000, maxMissed: 10 };

export interface Heartbeats {
  beat(): void;
  stop(): void;
}

/**
 * Calls `onHung` once if too many consecutive heartbeats are missed. Intervals of this process are counted, not time, so a
 * pause of the whole machine counts as one interval.
 */
export function watchHeartbeats({ intervalMs, maxMissed }: HeartbeatRule, onHung: () => void): Heartbeats {
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
