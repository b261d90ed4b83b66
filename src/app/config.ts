import { readProxy } from './config-proxy.ts';
import { readTelemetry, type TracingConfig } from './config-telemetry.ts';
import { anyText, onOrOff, parseAddress, parseBaseUrl } from './config-values.ts';
import { readGatewayVariables, readUpstreamVariables } from './config-variables.ts';

// The gateway's configuration, read from environment variables. To declare a new variable, add one `read('NAME', default, parser)`
// to config-variables.ts (parsers are in config-values.ts), its row to docs/configuration.md, and a case to test/app/config.test.ts
// and config-problems.test.ts.

/** The validated configuration, with defaults applied. */
export interface Config extends Readonly<ReturnType<typeof readGatewayVariables>> {
  /** Null for the store backend. */
  readonly upstream: UpstreamConfig | null;
  /** The issuer of the callers' JWTs; null if JWTs are not accepted. */
  readonly auth: AuthConfig | null;
  /** True if GET requests without a CSRF header are answered, for trying one out in a browser; set by the mode alone. */
  readonly simpleGets: boolean;
  /** True if catalogue tasks named "Fault: …" fail on purpose. */
  readonly faults: boolean;
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

export interface UpstreamConfig extends Readonly<ReturnType<typeof readUpstreamVariables>> {
  readonly url: URL;
  /** The gateway's own credentials for the service; null if the caller's Authorization is forwarded. */
  readonly ownClient: OwnClientConfig | null;
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
    ...readUpstreamVariables(read),
    proxy: upstreamUrl && readProxy(env, read, upstreamUrl),
  };
  const { tracing, ignored: ignoredVariables } = readTelemetry(read);
  const config: Config = {
    ...readGatewayVariables(read, isDemo),
    upstream: upstreamUrl && { url: upstreamUrl, ...upstream },
    auth,
    simpleGets: isDemo,
    faults: read('FAULTS', isDemo && upstreamUrl === null, onOrOff),
    tracing,
    ignoredVariables,
  };
  if ((upstream.certFile === null) !== (upstream.keyFile === null))
    problems.push('UPSTREAM_CERT: needs UPSTREAM_KEY, and the reverse; set both or neither');
  if (isDemo && !LOOPBACK.test(config.host)) {
    problems.push(`HOST: the demo gives its token to anyone who can reach it; use npm run serve for ${config.host}`);
  }
  if (config.faults && !isDemo)
    problems.push('FAULTS: makes creates fail on purpose, which only the demo does; unset it');
  else if (config.faults && config.upstream)
    problems.push("FAULTS: needs the demo's own store; unset it or UPSTREAM_URL");
  if (config.graphiql && config.trustedDocuments !== null)
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
