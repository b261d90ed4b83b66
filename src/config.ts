import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, type EnumTable, parseEnumTable } from './contract/enums.ts';

/** Everything that the environment decides, checked and with defaults applied. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string;
  /** Null: the store backend. */
  readonly upstream: UpstreamConfig | null;
  readonly frequencies: EnumTable;
  readonly notifications: EnumTable;
  readonly corsOrigins: readonly string[];
  readonly graphiql: boolean;
  readonly introspection: boolean;
  readonly maxBodyBytes: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

export interface UpstreamConfig {
  readonly url: URL;
  readonly format: (typeof FORMATS)[number];
  readonly timeoutMs: number;
  readonly connections: number;
  readonly maxInFlight: number;
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

const FORMATS = ['json', 'xml'] as const;
const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;

/** Planned, and dangerous to ignore: whoever sets one counts on it. */
const NOT_YET_SUPPORTED = [
  'UPSTREAM_CLIENT_ID',
  'UPSTREAM_CLIENT_SECRET',
  'AUTH_JWKS_URL',
  'AUTH_ISSUER',
  'AUTH_AUDIENCE',
  'TRUSTED_DOCUMENTS',
] as const;

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
  for (const name of NOT_YET_SUPPORTED)
    if (env[name]) problems.push(`${name}: is not supported by this version; unset it`);
  const isDemo = mode === 'demo';
  const upstreamUrl = read('UPSTREAM_URL', null, parseBaseUrl);
  const upstream = {
    format: read('UPSTREAM_FORMAT', 'json', oneOf(FORMATS)),
    timeoutMs: read('UPSTREAM_TIMEOUT_MS', 10_000, wholeNumber(1, 600_000)),
    connections: read('UPSTREAM_CONNECTIONS', 64, wholeNumber(1, 10_000)),
    maxInFlight: read('UPSTREAM_MAX_IN_FLIGHT', 1024, wholeNumber(1, 1_000_000)),
  };
  const config: Config = {
    host: read('HOST', '127.0.0.1', (text) => text),
    port: read('PORT', 4000, wholeNumber(0, 65_535)),
    databaseUrl: read('DATABASE_URL', 'sqlite:data/gateway.db', parseDatabaseUrl),
    upstream: upstreamUrl && { url: upstreamUrl, ...upstream },
    frequencies: read('TASK_FREQUENCIES', DEFAULT_FREQUENCIES, parseEnumTable),
    notifications: read('TASK_NOTIFICATIONS', DEFAULT_NOTIFICATIONS, parseEnumTable),
    corsOrigins: read('CORS_ORIGINS', [], parseOrigins),
    graphiql: read('GRAPHIQL', isDemo, onOrOff),
    introspection: read('INTROSPECTION', isDemo, onOrOff),
    maxBodyBytes: read('MAX_BODY_BYTES', 1_048_576, wholeNumber(1, 268_435_456)),
    logLevel: read('LOG_LEVEL', isDemo ? 'warn' : 'info', oneOf(LOG_LEVELS)),
  };
  if (isDemo && !LOOPBACK.test(config.host)) {
    problems.push(`HOST: the demo gives its token to whoever can reach it; use npm run serve for ${config.host}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < min || number > max) expected(`a whole number from ${min} to ${max}`, text);
    return number;
  };
}

function oneOf<const T extends readonly string[]>(values: T): (text: string) => T[number] {
  return (text) => values.find((value) => value === text.toLowerCase()) ?? expected(values.join(' or '), text);
}

function onOrOff(text: string): boolean {
  if (/^(on|true|1|yes)$/i.test(text)) return true;
  return /^(off|false|0|no)$/i.test(text) ? false : expected('on or off', text);
}

function parseBaseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return expected('an http or https address such as https://host/', text);
  if (url.username || url.password || url.search || url.hash) {
    throw new Error('expected an address without credentials, query or fragment');
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function parseDatabaseUrl(text: string): string {
  return /^sqlite:.+/.test(text) ? text : expected('sqlite:<file>', text);
}

function parseOrigins(text: string): string[] {
  return text.split(',').map((entry) => {
    const origin = URL.parse(entry.trim());
    return origin && origin.origin === entry.trim()
      ? origin.origin
      : expected('origins such as https://app.example, separated by commas', entry);
  });
}

function expected(what: string, given: string): never {
  throw new Error(`expected ${what}, not "${given}"`);
}
