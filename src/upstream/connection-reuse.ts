import type { Connection } from './connection.ts';

/** The end of an exchange: `lost` where the connection broke, `abandoned` where the gateway gave up. */
export type ExchangeEnd = 'answered' | 'lost' | 'abandoned';

/**
 * The decision whether a connection that has brought an answer may carry another request. Some services close each connection
 * behind its answer without saying so, and a request that is written to such a connection is of unknown fate. So the first
 * reuse is a trial of one request. When a reused connection is lost before any byte of an answer, none is reused for a minute.
 */
export interface ConnectionReuse {
  /** To be called when a connection that has brought an answer is about to carry a request. */
  allows(connection: Connection): boolean;
  /** True while no connection is kept. */
  isRefused(): boolean;
  /** To be called with each end, before the connection counts its answer. */
  learn(connection: Connection, end: ExchangeEnd): void;
}

const REFUSAL_MS = 60_000;

/** `now` is in milliseconds of a clock that is never set back. */
export function createConnectionReuse(now: () => number): ConnectionReuse {
  let isProven = false;
  let trial: Connection | null = null;
  let refusedUntilMs = 0;
  const isRefused = (): boolean => refusedUntilMs > 0 && now() < refusedUntilMs;
  return {
    allows(connection) {
      if (isProven) return true;
      if (trial || isRefused()) return false;
      trial = connection;
      return true;
    },
    isRefused,
    learn(connection, end) {
      const isReused = connection.answers > 0;
      if (isReused && end === 'lost' && connection.isSilent()) {
        isProven = false;
        refusedUntilMs = now() + REFUSAL_MS;
        trial = null;
      } else if (connection === trial) {
        // A trial whose connection ended before the request was written was none.
        isProven = isReused && end === 'answered';
        trial = null;
      }
    },
  };
}
