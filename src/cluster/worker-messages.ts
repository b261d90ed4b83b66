import type { Closing } from '../app/gateway.ts';
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
  | { readonly kind: 'close'; readonly closing: Closing }
  | { readonly kind: 'snapshot-wanted' }
  | { readonly kind: 'metrics'; readonly rendered: RenderedMetrics };
