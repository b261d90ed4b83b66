import type { FailureCode } from '../contract/failure.ts';

/** The start of each phase of an exchange, in milliseconds of `performance.now()`; 0 for a phase that was not reached. */
export interface ExchangeTimes {
  /** The request was queued for a connection. */
  readonly queuedMs: number;
  /** A connection was assigned, which may still have to be opened. */
  dispatchedMs: number;
  /** The first byte could leave. */
  sentMs: number;
  /** The answer's headers arrived. */
  answeredMs: number;
  /** The answer's last byte arrived. */
  endedMs: number;
}

/** Called for what the upstream client does. It never throws. */
export interface UpstreamObserver {
  /** A call ended; its time includes the wait for a connection. `result` is the status, or the failure code without an answer. */
  onCall(path: string, result: number | FailureCode, durationMs: number): void;
  /** An exchange ended, successfully or not. */
  onExchange(times: ExchangeTimes): void;
  /**
   * A limit refused a call (too many in flight, the caller's share, no free connection in time, the operation's time limit) or an
   * answer (its size).
   */
  onRefused(limit: 'in_flight' | 'caller_share' | 'connections' | 'operation_time' | 'upstream_answer_bytes'): void;
}

/** The current load. */
export interface UpstreamLoad {
  /** Admitted creates, including those that wait for a token or a connection. */
  readonly inFlight: number;
  /** Requests that wait for a free connection. */
  readonly waiting: number;
}
