import {
  DEFAULT_FREQUENCIES,
  DEFAULT_NOTIFICATIONS,
  type EnumTable,
  type EnumTables,
  parseEnumTable,
} from '../contract/enums.ts';
import {
  asGiven,
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

/** Everything that the environment decides, checked and with defaults applied. */
export interface Config extends LimitsConfig {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly keyExpiryMs: number;
  /** Days that records, settled idempotency keys and settled attempts are kept; null: for ever. */
  readonly recordDays: number | null;
  /** Null: the store backend. */
  readonly upstream: UpstreamConfig | null;
  /** Whose JWTs callers present; null: nobody's. */
  readonly auth: AuthConfig | null;
  readonly frequencies: EnumTable;
  readonly notifications: EnumTable;
  readonly corsOrigins: readonly string[];
  readonly graphiql: boolean;
  readonly introspection: boolean;
  /** The manifest of the only documents that run; null: any document runs. */
  readonly trustedDocuments: string | null;
  /** Whether a GET that any page could send is answered, to try one out; no variable changes it. */
  readonly simpleGets: boolean;
  /** Off only to find out whether a fault is the fast lane's. */
  readonly fastLane: boolean;
  readonly maxBodyBytes: number;
  /** How many processes serve; each opens the database for itself. */
  readonly workers: number;
  /** How long the gateway still serves after SIGTERM, while /ready says that it is about to stop. */
  readonly drainMs: number;
  /** How long the requests in flight may take after that. */
  readonly closeTimeoutMs: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Null: nothing is traced. */
  readonly tracing: TracingConfig | null;
  /** Variables whose values are not supported and do not keep the gateway from starting, each with what was expected. */
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
  /** Whoever may use it. */
  readonly callers: AuthConfig;
}

export interface UpstreamConfig {
  readonly url: URL;
  readonly format: (typeof FORMATS)[number];
  readonly timeoutMs: number;
  readonly connections: number;
  readonly maxInFlight: number;
  /** The gateway as a client of the service; null: the caller's Authorization is forwarded. */
  readonly ownClient: OwnClientConfig | null;
  /** Whether what is created is recorded in the database, and idempotency keys are honoured. */
  readonly isRecorded: boolean;
  /** True where an answer must name the TaskID that was sent. */
  readonly checksTaskId: boolean;
  /** Files for TLS to the service, in PEM; null: the system's certificate authorities and no client certificate. */
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** The proxy that connections to the service go through; null: none. */
  readonly proxy: URL | null;
}

/** `demo` is for trying things out on one's own machine, `serve` for production; they differ in what is on by default. */
export type Mode = 'demo' | 'serve';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every variable that cannot be used, each with what was expected. */
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

/** Reads the configuration. @throws ConfigError naming every variable that is wrong, not only the first. */
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
      for (const name of missing) problems.push(`${name}: is missing; ${names.join(', ')} go together`);
    return missing.length === 0;
  };
  const isDemo = mode === 'demo';
  const upstreamUrl = read('UPSTREAM_URL', null, parseBaseUrl);
  const jwksUrl = read(AUTH[0], null, parseAddress);
  const issuer = read(AUTH[1], '', asGiven);
  const audience = read(AUTH[2], '', asGiven);
  const auth = areAllSet(AUTH) && jwksUrl ? { jwksUrl, issuer, audience } : null;
  const clientId = read(CREDENTIALS[0], '', asGiven);
  const clientSecret = read(CREDENTIALS[1], '', asGiven);
  const hasCredentials = areAllSet(CREDENTIALS);
  if (hasCredentials && AUTH.every((name) => !env[name]?.trim())) {
    problems.push(
      `${CREDENTIALS[0]}: with it anybody who reaches this gateway could create tasks in its name; ` +
        `set ${AUTH.join(', ')} as well, so that callers have to show who they are`,
    );
  }
  if (hasCredentials && !env['UPSTREAM_URL']?.trim())
    problems.push(`${CREDENTIALS[0]}: is of use with UPSTREAM_URL only`);
  const upstream = {
    ownClient: hasCredentials && auth ? { clientId, clientSecret, callers: auth } : null,
    format: read('UPSTREAM_FORMAT', 'json', oneOf(FORMATS)),
    timeoutMs: read('UPSTREAM_TIMEOUT_MS', 10_000, wholeNumber(1, 600_000)),
    connections: read('UPSTREAM_CONNECTIONS', 64, wholeNumber(1, 10_000)),
    maxInFlight: read('UPSTREAM_MAX_IN_FLIGHT', 1024, wholeNumber(1, 1_000_000)),
    isRecorded: read('RECORD', true, onOrOff),
    checksTaskId: read('UPSTREAM_CHECK_TASK_ID', true, onOrOff),
    caFile: read<string | null>('UPSTREAM_CA', null, asGiven),
    certFile: read<string | null>('UPSTREAM_CERT', null, asGiven),
    keyFile: read<string | null>('UPSTREAM_KEY', null, asGiven),
    proxy: upstreamUrl && readProxy(env, read, upstreamUrl),
  };
  const { tracing, ignored: ignoredVariables } = readTelemetry(read);
  const trustedDocuments = read<string | null>('TRUSTED_DOCUMENTS', null, asGiven);
  const config: Config = {
    host: read('HOST', '127.0.0.1', asGiven),
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
    fastLane: read('FAST_LANE', true, onOrOff),
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
    problems.push('UPSTREAM_CERT: goes together with UPSTREAM_KEY; set both or neither');
  if (isDemo && !LOOPBACK.test(config.host)) {
    problems.push(`HOST: the demo gives its token to whoever can reach it; use npm run serve for ${config.host}`);
  }
  if (config.graphiql && trustedDocuments !== null)
    problems.push('GRAPHIQL: sends documents that TRUSTED_DOCUMENTS refuses; unset one of them');
  if (config.metricsPort === config.port && config.port !== 0)
    problems.push('METRICS_PORT: is the same as PORT; set it to another');
  problems.push(...workerProblems(config, mode));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** Why several processes cannot serve with the rest of the configuration. */
function workerProblems({ workers, upstream, databaseUrl }: Config, mode: Mode): readonly string[] {
  if (workers === 1) return [];
  if (mode === 'demo') return ['WORKERS: the demo is one process; use npm run serve for more'];
  const hasDatabase = !upstream || upstream.isRecorded;
  if (hasDatabase && databaseUrl.startsWith('sqlite:')) {
    const others = `DATABASE_URL=postgres://…${upstream ? ', or RECORD=off' : ''}`;
    return [`WORKERS: a SQLite file is for one process; more than one need ${others}`];
  }
  return Object.entries({ CONNECTIONS: upstream?.connections, MAX_IN_FLIGHT: upstream?.maxInFlight })
    .filter(([, total]) => total !== undefined && total < workers)
    .map(([name]) => `UPSTREAM_${name}: is for all WORKERS together, of which each needs one at least`);
}

export function toTables({ frequencies, notifications }: Config): EnumTables {
  return { frequencies, notifications };
}
