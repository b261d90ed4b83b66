import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, parseEnumTable } from '../contract/enums.ts';
import {
  anyText,
  oneOf,
  onOrOff,
  parseAddressList,
  parseDatabaseUrl,
  parseOrigins,
  wholeNumber,
} from './config-values.ts';

/** Reads one variable, given its name, default and parser. */
export type ReadVariable = <T>(name: string, fallback: T, parse: (text: string) => T) => T;

const HOUR_MS = 3_600_000;
const MAX_BYTES = 1_073_741_824;
const port = wholeNumber(0, 65_535);
const milliseconds = wholeNumber(1, 600_000);
const bytes = wholeNumber(1_024, MAX_BYTES);

/** Reads the variables of the gateway itself. */
export function readGatewayVariables(read: ReadVariable, isDemo: boolean) {
  /** The manifest file of the only documents that may run; null if any document may. */
  const trustedDocuments = read<string | null>('TRUSTED_DOCUMENTS', null, anyText);
  return {
    host: read('HOST', '127.0.0.1', anyText),
    port: read('PORT', 4000, port),
    /** A separate port for /metrics; null if /metrics is on the main port. */
    metricsPort: read<number | null>('METRICS_PORT', null, port),
    databaseUrl: read('DATABASE_URL', 'sqlite:data/gateway.db', parseDatabaseUrl),
    /** The days for which records and settled attempts are kept; null if they are never deleted. */
    recordDays: read<number | null>('RECORD_DAYS', null, wholeNumber(1, 36_500)),
    keyExpiryMs: HOUR_MS * read('IDEMPOTENCY_KEY_HOURS', 24, wholeNumber(1, 8_760)),
    /** True if creates without an idempotency key are refused. */
    requiresIdempotencyKey: read('REQUIRE_IDEMPOTENCY_KEY', false, onOrOff),
    frequencies: read('TASK_FREQUENCIES', DEFAULT_FREQUENCIES, parseEnumTable),
    notifications: read('TASK_NOTIFICATIONS', DEFAULT_NOTIFICATIONS, parseEnumTable),
    corsOrigins: read<readonly string[]>('CORS_ORIGINS', [], parseOrigins),
    graphiql: read('GRAPHIQL', isDemo && trustedDocuments === null, onOrOff),
    introspection: read('INTROSPECTION', isDemo, onOrOff),
    trustedDocuments,
    /** The number of serving processes; each opens the database itself. */
    workers: read('WORKERS', 1, wholeNumber(1, 256)),
    /** The time for which the gateway still serves after SIGTERM, while /ready answers that it is draining. */
    drainMs: read('DRAIN_MS', isDemo ? 0 : 5_000, wholeNumber(0, 600_000)),
    /** The time that requests in flight then have to finish. */
    closeTimeoutMs: read('CLOSE_TIMEOUT_MS', 30_000, milliseconds),
    logLevel: read('LOG_LEVEL', isDemo ? 'warn' : 'info', oneOf(['silent', 'error', 'warn', 'info', 'debug'])),
    maxBodyBytes: read('MAX_BODY_BYTES', 1_048_576, wholeNumber(1, 268_435_456)),
    /** The largest body of a request without credentials. */
    maxAnonymousBodyBytes: read('MAX_ANONYMOUS_BODY_BYTES', 65_536, wholeNumber(1, MAX_BYTES)),
    /** All request bodies being received; null for the smaller of 256 MB and a quarter of the heap limit. */
    maxPendingBodyBytes: read<number | null>('MAX_PENDING_BODY_BYTES', null, bytes),
    /** The largest GraphQL answer. */
    maxAnswerBytes: read('MAX_ANSWER_BYTES', 16_777_216, bytes),
    /** All answers that callers have not read yet. */
    maxPendingAnswerBytes: read('MAX_PENDING_ANSWER_BYTES', 67_108_864, bytes),
    /** The time a GraphQL operation may take; a write that was sent is never cut off. */
    operationTimeoutMs: read('OPERATION_TIMEOUT_MS', 30_000, milliseconds),
    /** Open connections from one client address; null if not limited. */
    maxConnectionsPerAddress: read<number | null>('MAX_CONNECTIONS_PER_ADDRESS', null, wholeNumber(1, 10_000)),
    /** Addresses and CIDR blocks of proxies whose X-Forwarded-For is trusted. */
    trustedProxies: read('TRUSTED_PROXIES', [], parseAddressList),
    /** The idle time after which a caller's connection is closed. */
    keepAliveMs: read('KEEP_ALIVE_MS', 75_000, wholeNumber(0, 600_000)),
  };
}

/** Reads the variables that concern the service. */
export function readUpstreamVariables(read: ReadVariable) {
  return {
    format: read('UPSTREAM_FORMAT', 'json', oneOf(['json', 'xml'])),
    timeoutMs: read('UPSTREAM_TIMEOUT_MS', 10_000, milliseconds),
    connections: read('UPSTREAM_CONNECTIONS', 64, wholeNumber(1, 10_000)),
    maxInFlight: read('UPSTREAM_MAX_IN_FLIGHT', 1024, wholeNumber(1, 1_000_000)),
    /** True if created tasks are recorded in the database and idempotency keys are honoured. */
    isRecorded: read('RECORD', true, onOrOff),
    /** True if an answer must name the TaskID that was sent. */
    checksTaskId: read('UPSTREAM_CHECK_TASK_ID', true, onOrOff),
    /** True if callers may create clients with the gateway's own credentials. */
    allowCreateClient: read('ALLOW_CREATE_CLIENT', false, onOrOff),
    /** PEM files for TLS to the service; null for the system's certificate authorities and no client certificate. */
    caFile: read<string | null>('UPSTREAM_CA', null, anyText),
    certFile: read<string | null>('UPSTREAM_CERT', null, anyText),
    keyFile: read<string | null>('UPSTREAM_KEY', null, anyText),
  };
}
