import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, parseEnumTable } from '../contract/enums.ts';
import { readTelemetry } from './config-telemetry.ts';
import {
  anyText,
  oneOf,
  onOrOff,
  parseAddress,
  parseAddressList,
  parseBaseUrl,
  parseDatabaseUrl,
  parseOrigins,
  type ReadVariable,
  readProxy,
  wholeNumber,
} from './config-values.ts';

// The gateway's configuration, read from environment variables. To declare a new variable, add one `read('NAME', default, parser)`
// (parsers are in config-values.ts), its row to docs/configuration.md, and a case to test/app/config.test.ts and
// config-problems.test.ts.

/** The validated configuration, with defaults applied. */
export type Config = Readonly<ReturnType<typeof readVariables>>;
export type UpstreamConfig = Readonly<NonNullable<Config['upstream']>>;
export type AuthConfig = Readonly<NonNullable<Config['auth']>>;

/** `demo` is for trying things out on one's own machine, `serve` for production. They differ in their defaults. */
export type Mode = 'demo' | 'serve';

export type Environment = Readonly<Record<string, string | undefined>>;

/** All invalid variables. Each problem reads `NAME: what is wrong`, or `NAME: what is wrong; what to do`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;
const CREDENTIALS = ['UPSTREAM_CLIENT_ID', 'UPSTREAM_CLIENT_SECRET'] as const;
const CERTIFICATE = ['UPSTREAM_CERT', 'UPSTREAM_KEY'] as const;
const AUTH = ['AUTH_JWKS_URL', 'AUTH_ISSUER', 'AUTH_AUDIENCE'] as const;

const HOUR_MS = 3_600_000;
const MAX_BYTES = 1_073_741_824;
const port = wholeNumber(0, 65_535);
const milliseconds = wholeNumber(1, 600_000);
const bytes = wholeNumber(1_024, MAX_BYTES);

/** Reads the configuration. @throws ConfigError that lists all invalid variables, not only the first. */
export function readConfig(env: Environment, mode: Mode): Config {
  const problems: string[] = [];
  const isSet = (name: string): boolean => Boolean(env[name]?.trim());
  const read: ReadVariable = (name, fallback, parse) => {
    try {
      return isSet(name) ? parse(env[name]?.trim() ?? '') : fallback;
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
      return fallback;
    }
  };
  const config = readVariables(read, mode === 'demo');
  for (const names of [AUTH, CREDENTIALS, CERTIFICATE].filter((group) => group.some(isSet)))
    for (const name of names.filter((member) => !isSet(member)))
      problems.push(`${name}: is missing; set all of ${names.join(', ')}, or none of them`);
  const hasCredentials = CREDENTIALS.every(isSet);
  const conflicts = {
    ...findConflicts(config, mode === 'demo'),
    [`${CREDENTIALS[0]}: would let anyone who can reach this gateway create tasks with its credentials; ` +
      `also set ${AUTH.join(', ')}, so that callers must present a JWT`]: hasCredentials && !AUTH.some(isSet),
    [`${CREDENTIALS[0]}: has no effect without UPSTREAM_URL; set that, or unset ${CREDENTIALS.join(', ')}`]:
      hasCredentials && !isSet('UPSTREAM_URL'),
  };
  problems.push(...Object.entries(conflicts).flatMap(([problem, isPresent]) => (isPresent ? [problem] : [])));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readVariables(read: ReadVariable, isDemo: boolean) {
  const upstreamUrl = read<URL | null>('UPSTREAM_URL', null, parseBaseUrl);
  const jwksUrl = read<URL | null>(AUTH[0], null, parseAddress);
  const [issuer, audience] = [read(AUTH[1], '', anyText), read(AUTH[2], '', anyText)];
  const [clientId, clientSecret] = [read(CREDENTIALS[0], '', anyText), read(CREDENTIALS[1], '', anyText)];
  /** The issuer of the callers' JWTs; null if JWTs are not accepted. */
  const auth = jwksUrl && { jwksUrl, issuer, audience };
  const { proxy, unused } = upstreamUrl ? readProxy(read, upstreamUrl) : { proxy: null, unused: [] };
  const { tracing, ignored } = readTelemetry(read);
  const upstream = {
    /** The gateway's own credentials for the service, only with `auth`; null if the caller's Authorization is forwarded. */
    ownClient: clientId && auth ? { clientId, clientSecret } : null,
    /** The proxy for connections to the service; null if they are direct. */
    proxy,
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
    certFile: read<string | null>(CERTIFICATE[0], null, anyText),
    keyFile: read<string | null>(CERTIFICATE[1], null, anyText),
  };
  /** The manifest file of the only documents that may run; null if any document may. */
  const trustedDocuments = read<string | null>('TRUSTED_DOCUMENTS', null, anyText);
  return {
    host: read('HOST', '127.0.0.1', anyText),
    port: read('PORT', 4000, port),
    /** A separate port for /metrics; null if /metrics is on the main port. */
    metricsPort: read<number | null>('METRICS_PORT', null, port),
    /** The number of serving processes; each opens the database itself. */
    workers: read('WORKERS', 1, wholeNumber(1, 256)),
    /** The time for which the gateway still serves after SIGTERM, while /ready answers that it is draining. */
    drainMs: read('DRAIN_MS', isDemo ? 0 : 5_000, wholeNumber(0, 600_000)),
    /** The time that requests in flight then have to finish. */
    closeTimeoutMs: read('CLOSE_TIMEOUT_MS', 30_000, milliseconds),
    /** The idle time after which a caller's connection is closed. */
    keepAliveMs: read('KEEP_ALIVE_MS', 75_000, wholeNumber(0, 600_000)),
    databaseUrl: read('DATABASE_URL', 'sqlite:data/gateway.db', parseDatabaseUrl),
    /** The days for which records and settled attempts are kept; null if they are never deleted. */
    recordDays: read<number | null>('RECORD_DAYS', null, wholeNumber(1, 36_500)),
    keyExpiryMs: HOUR_MS * read('IDEMPOTENCY_KEY_HOURS', 24, wholeNumber(1, 8_760)),
    /** True if creates without an idempotency key are refused. */
    requiresIdempotencyKey: read('REQUIRE_IDEMPOTENCY_KEY', false, onOrOff),
    /** Null for the store backend. */
    upstream: upstreamUrl && { url: upstreamUrl, ...upstream },
    auth,
    corsOrigins: read<readonly string[]>('CORS_ORIGINS', [], parseOrigins),
    /** Addresses and CIDR blocks of proxies whose X-Forwarded-For is trusted. */
    trustedProxies: read<readonly string[]>('TRUSTED_PROXIES', [], parseAddressList),
    /** Open connections from one client address; null if not limited. */
    maxConnectionsPerAddress: read<number | null>('MAX_CONNECTIONS_PER_ADDRESS', null, wholeNumber(1, 10_000)),
    graphiql: read('GRAPHIQL', isDemo && trustedDocuments === null, onOrOff),
    introspection: read('INTROSPECTION', isDemo, onOrOff),
    /** True if GET requests without a CSRF header are answered, for trying one out in a browser; set by the mode alone. */
    simpleGets: isDemo,
    /** True if catalogue tasks named "Fault: …" fail on purpose. */
    faults: read('FAULTS', isDemo && upstreamUrl === null, onOrOff),
    trustedDocuments,
    frequencies: read('TASK_FREQUENCIES', DEFAULT_FREQUENCIES, parseEnumTable),
    notifications: read('TASK_NOTIFICATIONS', DEFAULT_NOTIFICATIONS, parseEnumTable),
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
    logLevel: read('LOG_LEVEL', isDemo ? 'warn' : 'info', oneOf(['silent', 'error', 'warn', 'info', 'debug'])),
    /** Null if tracing is off. */
    tracing,
    /** Variables that have no effect, which does not prevent startup: one `NAME: problem` each. */
    ignoredVariables: [...ignored, ...unused],
  };
}

/** Returns the conflicts between variables, each with true if it is present. */
function findConflicts(config: Config, isDemo: boolean): Readonly<Record<string, boolean>> {
  const { upstream, workers, faults, metricsPort } = config;
  const isSqlite = config.databaseUrl.startsWith('sqlite:') && upstream?.isRecorded !== false;
  const remedy = `set DATABASE_URL=postgres://…${upstream ? ', or RECORD=off' : ''}, or unset WORKERS`;
  const share = `is shared by all WORKERS; set it to at least ${workers}`;
  return {
    [`HOST: the demo gives its token to anyone who can reach it; use npm run serve for ${config.host}`]:
      isDemo && !LOOPBACK.test(config.host),
    'FAULTS: makes creates fail on purpose, which only the demo does; unset it': faults && !isDemo,
    "FAULTS: needs the demo's own store; unset it or UPSTREAM_URL": faults && isDemo && upstream !== null,
    'GRAPHIQL: its documents would be refused because TRUSTED_DOCUMENTS is set; unset one of them':
      config.graphiql && config.trustedDocuments !== null,
    'METRICS_PORT: is the same as PORT; choose another port': metricsPort === config.port && metricsPort !== 0,
    'REQUIRE_IDEMPOTENCY_KEY: keys cannot be honoured with RECORD=off; unset one of them':
      config.requiresIdempotencyKey && upstream?.isRecorded === false,
    'WORKERS: the demo runs in one process; use npm run serve for more': workers > 1 && isDemo,
    [`WORKERS: only one process can use a SQLite database; ${remedy}`]: workers > 1 && !isDemo && isSqlite,
    [`UPSTREAM_CONNECTIONS: ${share}`]: upstream !== null && upstream.connections < workers,
    [`UPSTREAM_MAX_IN_FLIGHT: ${share}`]: upstream !== null && upstream.maxInFlight < workers,
  };
}
