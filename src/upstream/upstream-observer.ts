import type { FailureCode } from '../contract/failure.ts';

/** When each phase of an exchange began, in milliseconds of `performance.now()`; 0 for one it did not come to. */
export interface ExchangeTimes {
  /** It asked for a connection. */
  readonly queuedMs: number;
  /** A connection was its own, though perhaps still to be made. */
  dispatchedMs: number;
  /** Its first byte could leave. */
  sentMs: number;
  /** The answer's head was there. */
  answeredMs: number;
  /** The answer's last byte was there. */
  endedMs: number;
}

/** Told of what the client of the service does. It never throws. */
export interface UpstreamObserver {
  /** A call is over, from its wait for a connection to its last byte; `result` is its status, or why it has none. */
  onCall(path: string, result: number | FailureCode, durationMs: number): void;
  /** An exchange is over, however it ended. */
  onExchange(times: ExchangeTimes): void;
  /**
   * A call was refused: too many in flight, of all callers or of one that others wait for, no connection free in time, or the
   * time of its operation over; or an answer, for its size.
   */
  onRefused(limit: 'in_flight' | 'caller_share' | 'connections' | 'operation_time' | 'upstream_answer_bytes'): void;
}

/** What is under way at this moment. */
export interface UpstreamLoad {
  /** Creates that were admitted, whatever they wait for. */
  readonly inFlight: number;
  /** Requests that wait for a connection to become free. */
  readonly waiting: number;
}
