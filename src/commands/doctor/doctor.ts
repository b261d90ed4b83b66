import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type AuthConfig, type Config, ConfigError, type Environment, readConfig } from '../../app/config.ts';
import { findUnusedProxy } from '../../app/config-proxy.ts';
import { ALGORITHMS } from '../../auth/jwt.ts';
import { fetchKeySet } from '../../auth/published-keys.ts';
import { UsageError } from '../arguments.ts';
import { examineDatabase } from './database-examination.ts';
import { broken, count, type Finding, formatReport, ok, skipped, warning } from './finding.ts';
import { examineService } from './service-examination.ts';

const TIMEOUT_MS = 5_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Returns the findings as a table, or as JSON with `--json`. @throws UsageError for other arguments. */
export async function reportFindings(
  args: readonly string[],
  env: Environment,
  isColoured: boolean,
): Promise<{ readonly text: string; readonly isBroken: boolean }> {
  if (args.some((arg) => arg !== '--json')) throw new UsageError('"doctor" takes no argument except --json.');
  const findings = await examine(env);
  return {
    text: args.length > 0 ? JSON.stringify(findings, null, 2) : formatReport(findings, isColoured),
    isBroken: findings.some(({ state }) => state === 'broken'),
  };
}

/** Checks everything that the gateway needs to serve, concurrently, and changes nothing. */
export async function examine(env: Environment): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = readConfig(env, 'serve');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const findings = error.problems.map((problem) => variableFinding(broken, problem, error.defaults));
    return [...findings, skipped('all else', 'not checked until the variables are valid')];
  }
  const { upstream, auth, host, port, metricsPort, databaseUrl } = config;
  const unused = skipped('database', 'not used because RECORD=off');
  const examinations = {
    database: upstream?.isRecorded === false ? unused : examineDatabase(databaseUrl, upstream === null),
    service: upstream && examineService(upstream),
    keys: auth && examineKeys(auth),
    port: examinePort('port', 'PORT', host, port),
    'metrics port': metricsPort === null ? null : examinePort('metrics port', 'METRICS_PORT', host, metricsPort),
  };
  const findings = Object.entries(examinations).map(async ([subject, examination]) => {
    try {
      return (await examination) ?? [];
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error;
      return broken(subject, `the check failed (${name})`, 'Start the gateway: its error message says more.');
    }
  });
  return [...variableFindings(env, config), ...(await Promise.all(findings)).flat()];
}

/** Turns `NAME: what is wrong; what to do` into a finding. */
function variableFinding(toFinding: typeof broken, problem: string, defaults: ConfigError['defaults']): Finding {
  const [, name = 'variables', fact = problem, action] = /^([A-Z_]+): (.*?)(?:; ([^"]*))?$/is.exec(problem) ?? [];
  const fallback = defaults[name] ? ` to use the default, ${defaults[name]}` : '';
  const remedy = action ?? `correct ${name}, or unset it${fallback}`;
  return toFinding(name, fact, `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`);
}

function variableFindings(env: Environment, { upstream, ignoredVariables }: Config): readonly Finding[] {
  const whose = upstream?.ownClient ? 'its own credentials' : "the caller's credentials";
  const mode = upstream
    ? `sends creates to the service as ${upstream.format}, with ${whose}`
    : 'stores the tasks itself';
  const proxy = upstream && findUnusedProxy(env, upstream.url);
  const remedy = 'If the service is behind that proxy, set NODE_USE_ENV_PROXY=1; otherwise list its host in NO_PROXY.';
  return [
    ok('variables', `all valid; the gateway ${mode}`),
    ...ignoredVariables.map((problem) => variableFinding(warning, problem, {})),
    ...(proxy ? [warning('proxy', `${proxy} is set, but the gateway does not use it`, remedy)] : []),
  ];
}

/** Fetches the keys that verify callers' JWTs, as the gateway does. */
async function examineKeys({ jwksUrl }: AuthConfig): Promise<Finding> {
  // A query may be a secret.
  const address = `${jwksUrl.origin}${jwksUrl.pathname}`;
  try {
    const { keys } = ((await fetchKeySet(jwksUrl, TIMEOUT_MS)) ?? {}) as { readonly keys?: unknown };
    if (!Array.isArray(keys)) throw new Error('The answer is not a JSON Web Key Set.');
    const usable = keys.filter(isUsable).length;
    const fact = `${count(keys.length, 'key')} at ${address}, ${usable} usable`;
    if (usable === 0)
      return broken('keys', fact, `The issuer must publish a signature key for one of: ${ALGORITHMS.join(', ')}.`);
    if (jwksUrl.protocol === 'https:' || LOOPBACK.test(jwksUrl.hostname)) return ok('keys', fact);
    const remedy = 'Use https: anyone who can change these keys can forge tokens.';
    return warning('keys', `${fact}; fetched over plain http`, remedy);
  } catch (error) {
    const { message, cause } = error as Error;
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    const fact = `${address}: ${error instanceof SyntaxError ? 'The answer is not JSON.' : message}${code}`;
    return broken('keys', fact, 'Check AUTH_JWKS_URL: it must be the jwks_uri of the issuer.');
  }
}

function isUsable({
  use = 'sig',
  alg,
  ...key
}: JsonWebKey & { readonly use?: string; readonly alg?: string }): boolean {
  if (use !== 'sig' || (alg !== undefined && !ALGORITHMS.includes(alg))) return false;
  try {
    // Throws for a symmetric key.
    return createPublicKey({ key, format: 'jwk' }).type === 'public';
  } catch {
    return false;
  }
}

/** Listens where the gateway would, for a moment. */
async function examinePort(subject: string, variable: string, host: string, port: number): Promise<Finding> {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return ok(subject, port === 0 ? `any free port on ${host}` : `${place} is free`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') {
      if (code === 'EACCES')
        return broken(subject, `this user may not listen on ${place}`, `Set ${variable} to 1024 or more.`);
      const remedy = 'Set HOST to 127.0.0.1, or to 0.0.0.0 for all addresses.';
      return broken(subject, `${host} is not an address of this machine (${code})`, remedy);
    }
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await fetch(`http://${place}/health`, { signal }).catch(() => null);
    return answer?.headers.has('x-request-id')
      ? warning(
          subject,
          `a gateway already listens on ${place}`,
          'Nothing to do if it is the one that you are checking.',
        )
      : broken(subject, `another program listens on ${place}`, `Set ${variable} to another port.`);
  }
}
