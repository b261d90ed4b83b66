import {
  DEFAULT_FREQUENCIES,
  DEFAULT_NOTIFICATIONS,
  type EnumTable,
  type EnumTables,
  parseEnumTable,
} from '../contract/enums.ts';
import {
  anyText,
  oneOf,
  onOrOff,
  parseAddress,
  parseBaseUrl,
  parseDatabaseUrl,
  parseOrigins,
  wholeNumber,
} from './config-values.ts';
import { type LimitsConfig, readLimits } from './config-limits.ts';
import { readProxy } from './config-proxy.ts';
import { readTelemetry, type TracingConfig } from './config-telemetry.ts';

// The gateway's configuration, read from environment variables. To declare a new variable:
// 1. add a field to Config, UpstreamConfig, LimitsConfig (config-limits.ts) or TracingConfig (config-telemetry.ts);
// 2. add one `read('NAME', default, parser)` where that type is filled; parsers are in config-values.ts;
// 3. add its table row to the documents, and a case to test/app/config.test.ts and config-problems.test.ts.

/** The validated configuration, with defaults applied. */
export interface Config extends LimitsConfig {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly keyExpiryMs: number;
  /** The days for which records, settled idempotency keys and settled attempts are kept; null if they are never deleted. */
  readonly recordDays: number | null;
  /** Null for the store backend. */
  readonly upstream: UpstreamConfig | null;
  /** The issuer of the callers' JWTs; null if JWTs are not accepted. */
  readonly auth: AuthConfig | null;
  readonly frequencies: EnumTable;
  readonly notifications: EnumTable;
  readonly corsOrigins: readonly string[];
  readonly graphiql: boolean;
  readonly introspection: boolean;
  /** The manifest file of the only documents that may run; null if any document may. */
  readonly trustedDocuments: string | null;
  /** True if GET requests without a CSRF header are answered, for trying one out in a browser; set by the mode alone. */
  readonly simpleGets: boolean;
  readonly maxBodyBytes: number;
  /** The number of serving processes; each opens the database itself. */
  readonly workers: number;
  /** The time for which the gateway still serves after SIGTERM, while /ready answers that it is draining. */
  readonly drainMs: number;
  /** The time that requests in flight then have to finish. */
  readonly closeTimeoutMs: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Null if tracing is off. */
  readonly tracing: TracingConfig | null;
  /** Unsupported values that do not prevent startup: one `NAME: problem` per variable. */
  readonly ignoredVariables: readonly string[];
}

export interface AuthConfig {
  readonly jwksUrl: URL;
  readonly issuer: string;
  readonly audience: string;
}

export interface OwnClientConfig {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The issuer of the JWTs that callers must present to use these credentials. */
  readonly callers: AuthConfig;
}

export interface UpstreamConfig {
  readonly url: URL;
  readonly format: (typeof FORMATS)[number];
  readonly timeoutMs: number;
  readonly connections: number;
  readonly maxInFlight: number;
  /** The gateway's own credentials for the service; null if the caller's Authorization is forwarded. */
  readonly ownClient: OwnClientConfig | null;
  /** True if created tasks are recorded in the database and idempotency keys are honoured. */
  readonly isRecorded: boolean;
  /** True if an answer must name the TaskID that was sent. */
  readonly checksTaskId: boolean;
  /** PEM files for TLS to the service; null for the system's certificate authorities and no client certificate. */
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** The proxy for connections to the service; null if they are direct. */
  readonly proxy: URL | null;
}

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

const HOUR_MS = 3_600_000;
const FORMATS = ['json', 'xml'] as const;
const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;
const CREDENTIALS = ['UPSTREAM_CLIENT_ID', 'UPSTREAM_CLIENT_SECRET'] as const;
const AUTH = ['AUTH_JWKS_URL', 'AUTH_ISSUER', 'AUTH_AUDIENCE'] as const;

/** Reads the configuration. @throws ConfigError that lists all invalid variables, not only the first. */
export function readConfig(env: Environment, mode: Mode): Config {
  const problems: string[] = [];
  const read = <T>(name: string, fallback: T, parse: (text: string) => T): T => {
    const text = env[name]?.trim();
    if (!text) return fallback;
    try {
      return parse(text);
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
      return fallback;
    }
  };
  const areAllSet = (names: readonly string[]): boolean => {
    const missing = names.filter((name) => !env[name]?.trim());
    if (missing.length < names.length)
      for (const name of missing) problems.push(`${name}: is missing; set all of ${names.join(', ')}, or none of them`);
    return missing.length === 0;
  };
  const isDemo = mode === 'demo';
  const upstreamUrl = read('UPSTREAM_URL', null, parseBaseUrl);
  const jwksUrl = read(AUTH[0], null, parseAddress);
  const issuer = read(AUTH[1], '', anyText);
  const audience = read(AUTH[2], '', anyText);
  const auth = areAllSet(AUTH) && jwksUrl ? { jwksUrl, issuer, audience } : null;
  const clientId = read(CREDENTIALS[0], '', anyText);
  const clientSecret = read(CREDENTIALS[1], '', anyText);
  const hasCredentials = areAllSet(CREDENTIALS);
  if (hasCredentials && AUTH.every((name) => !env[name]?.trim())) {
    problems.push(
      `${CREDENTIALS[0]}: would let anyone who can reach this gateway create tasks with its credentials; ` +
        `also set ${AUTH.join(', ')}, so that callers must present a JWT`,
    );
  }
  if (hasCredentials && !env['UPSTREAM_URL']?.trim())
    problems.push(
      `${CREDENTIALS[0]}: has no effect without UPSTREAM_URL; set that, or unset ${CREDENTIALS.join(', ')}`,
    );
  const upstream = {
    ownClient: hasCredentials && auth ? { clientId, clientSecret, callers: auth } : null,
    format: read('UPSTREAM_FORMAT', 'json', oneOf(FORMATS)),
    timeoutMs: read('UPSTREAM_TIMEOUT_MS', 10_000, wholeNumber(1, 600_000)),
    connections: read('UPSTREAM_CONNECTIONS', 64, wholeNumber(1, 10_000)),
    maxInFlight: read('UPSTREAM_MAX_IN_FLIGHT', 1024, wholeNumber(1, 1_000_000)),
    isRecorded: read('RECORD', true, onOrOff),
    checksTaskId: read('UPSTREAM_CHECK_TASK_ID', true, onOrOff),
    caFile: read<string | null>('UPSTREAM_CA', null, anyText),
    certFile: read<string | null>('UPSTREAM_CERT', null, anyText),
    keyFile: read<string | null>('UPSTREAM_KEY', null, anyText),
    proxy: upstreamUrl && readProxy(env, read, upstreamUrl),
  };
  const { tracing, ignored: ignoredVariables } = readTelemetry(read);
  const trustedDocuments = read<string | null>('TRUSTED_DOCUMENTS', null, anyText);
  const config: Config = {
    host: read('HOST', '127.0.0.1', anyText),
    port: read('PORT', 4000, wholeNumber(0, 65_535)),
    databaseUrl: read('DATABASE_URL', 'sqlite:data/gateway.db', parseDatabaseUrl),
    recordDays: read<number | null>('RECORD_DAYS', null, wholeNumber(1, 36_500)),
    keyExpiryMs: HOUR_MS * read('IDEMPOTENCY_KEY_HOURS', 24, wholeNumber(1, 8_760)),
    upstream: upstreamUrl && { url: upstreamUrl, ...upstream },
    auth,
    frequencies: read('TASK_FREQUENCIES', DEFAULT_FREQUENCIES, parseEnumTable),
    notifications: read('TASK_NOTIFICATIONS', DEFAULT_NOTIFICATIONS, parseEnumTable),
    corsOrigins: read('CORS_ORIGINS', [], parseOrigins),
    graphiql: read('GRAPHIQL', isDemo && trustedDocuments === null, onOrOff),
    introspection: read('INTROSPECTION', isDemo, onOrOff),
    trustedDocuments,
    simpleGets: isDemo,
    maxBodyBytes: read('MAX_BODY_BYTES', 1_048_576, wholeNumber(1, 268_435_456)),
    workers: read('WORKERS', 1, wholeNumber(1, 256)),
    drainMs: read('DRAIN_MS', isDemo ? 0 : 5_000, wholeNumber(0, 600_000)),
    closeTimeoutMs: read('CLOSE_TIMEOUT_MS', 30_000, wholeNumber(1, 600_000)),
    logLevel: read('LOG_LEVEL', isDemo ? 'warn' : 'info', oneOf(LOG_LEVELS)),
    tracing,
    ignoredVariables,
    ...readLimits(read),
  };
  if ((upstream.certFile === null) !== (upstream.keyFile === null))
    problems.push('UPSTREAM_CERT: needs UPSTREAM_KEY, and the reverse; set both or neither');
  if (isDemo && !LOOPBACK.test(config.host)) {
    problems.push(`HOST: the demo gives its token to anyone who can reach it; use npm run serve for ${config.host}`);
  }
  if (config.graphiql && trustedDocuments !== null)
    problems.push('GRAPHIQL: its documents would be refused because TRUSTED_DOCUMENTS is set; unset one of them');
  if (config.metricsPort === config.port && config.port !== 0)
    problems.push('METRICS_PORT: is the same as PORT; choose another port');
  if (config.requiresIdempotencyKey && config.upstream?.isRecorded === false)
    problems.push('REQUIRE_IDEMPOTENCY_KEY: keys cannot be honoured with RECORD=off; unset one of them');
  problems.push(...workerProblems(config, mode));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** Returns the conflicts of WORKERS with other variables. */
function workerProblems({ workers, upstream, databaseUrl }: Config, mode: Mode): readonly string[] {
  if (workers === 1) return [];
  if (mode === 'demo') return ['WORKERS: the demo runs in one process; use npm run serve for more'];
  const hasDatabase = !upstream || upstream.isRecorded;
  if (hasDatabase && databaseUrl.startsWith('sqlite:')) {
    const remedy = `set DATABASE_URL=postgres://…${upstream ? ', or RECORD=off' : ''}, or unset WORKERS`;
    return [`WORKERS: only one process can use a SQLite database; ${remedy}`];
  }
  return Object.entries({ CONNECTIONS: upstream?.connections, MAX_IN_FLIGHT: upstream?.maxInFlight })
    .filter(([, total]) => total !== undefined && total < workers)
    .map(([name]) => `UPSTREAM_${name}: is shared by all WORKERS; set it to at least ${workers}`);
}

export function toTables({ frequencies, notifications }: Config): EnumTables {
  return { frequencies, notifications };
}
