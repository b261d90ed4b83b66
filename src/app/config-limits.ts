import { onOrOff, parseAddressList, wholeNumber } from './config-values.ts';

/** The limits on what one request, one caller or all callers together may use. */
export interface LimitsConfig {
  /** The largest GraphQL answer, in bytes. */
  readonly maxAnswerBytes: number;
  /** All answers that callers have not read yet, in bytes. */
  readonly maxPendingAnswerBytes: number;
  /** All request bodies being received, in bytes; null for the smaller of 256 MB and a quarter of the heap limit. */
  readonly maxPendingBodyBytes: number | null;
  /** The largest body of a request without credentials, in bytes. */
  readonly maxAnonymousBodyBytes: number;
  /** The time a GraphQL operation may take; a write that was sent is never cut off. */
  readonly operationTimeoutMs: number;
  /** Open connections from one client address; null if not limited. */
  readonly maxConnectionsPerAddress: number | null;
  /** Addresses and CIDR blocks of proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly string[];
  /** The idle time after which a caller's connection is closed. */
  readonly keepAliveMs: number;
  /** True if creates without an idempotency key are refused. */
  readonly requiresIdempotencyKey: boolean;
  /** A separate port for /metrics; null if /metrics is on the main port. */
  readonly metricsPort: number | null;
}

/** Reads one variable, given its name, default and parser. */
export type ReadVariable = <T>(name: string, fallback: T, parse: (text: string) => T) => T;

const MAX_BYTES = 1_073_741_824;

/** Reads the variables that limit what callers may use. */
export function readLimits(read: ReadVariable): LimitsConfig {
  const bytes = wholeNumber(1_024, MAX_BYTES);
  return {
    maxAnswerBytes: read('MAX_ANSWER_BYTES', 16_777_216, bytes),
    maxPendingAnswerBytes: read('MAX_PENDING_ANSWER_BYTES', 67_108_864, bytes),
    maxPendingBodyBytes: read<number | null>('MAX_PENDING_BODY_BYTES', null, bytes),
    maxAnonymousBodyBytes: read('MAX_ANONYMOUS_BODY_BYTES', 65_536, wholeNumber(1, MAX_BYTES)),
    operationTimeoutMs: read('OPERATION_TIMEOUT_MS', 30_000, wholeNumber(1, 600_000)),
    maxConnectionsPerAddress: read<number | null>('MAX_CONNECTIONS_PER_ADDRESS', null, wholeNumber(1, 10_000)),
    trustedProxies: read('TRUSTED_PROXIES', [], parseAddressList),
    keepAliveMs: read('KEEP_ALIVE_MS', 75_000, wholeNumber(0, 600_000)),
    requiresIdempotencyKey: read('REQUIRE_IDEMPOTENCY_KEY', false, onOrOff),
    metricsPort: read<number | null>('METRICS_PORT', null, wholeNumber(0, 65_535)),
  };
}
