import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type AuthConfig, type Config, ConfigError, type Environment, readConfig } from '../../app/config.ts';
import { ALGORITHMS, fetchKeySet } from '../../auth/jwt.ts';
import { UsageError } from '../arguments.ts';
import { examineDatabase } from './database-examination.ts';
import { broken, count, type Finding, formatReport, ok, warning } from './finding.ts';
import { examineService } from './service-examination.ts';

const TIMEOUT_MS = 5_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Returns the findings as a table, or as JSON with `--json`. @throws UsageError for other arguments. */
export async function reportFindings(args: readonly string[], env: Environment) {
  if (args.some((arg) => arg !== '--json')) throw new UsageError('"doctor" takes no argument except --json.');
  const findings = await examine(env);
  const text = args.length > 0 ? JSON.stringify(findings, null, 2) : formatReport(findings);
  return { text, isBroken: findings.some(({ state }) => state === 'broken') };
}

/** Checks everything that the gateway needs to serve, concurrently, and changes nothing. */
export async function examine(env: Environment): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = readConfig(env, 'serve');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => variableFinding(broken, problem));
  }
  const { upstream, auth, host, port, metricsPort, databaseUrl } = config;
  const findings = await Promise.all([
    ...(upstream?.isRecorded === false ? [] : [examineDatabase(databaseUrl, upstream === null)]),
    ...(upstream ? [examineService(upstream)] : []),
    ...(auth ? [examineKeys(auth)] : []),
    examinePort('PORT', host, port),
    ...(metricsPort === null ? [] : [examinePort('METRICS_PORT', host, metricsPort)]),
  ]);
  const backend = upstream
    ? 'sends creates to the service'
    : 'stores the tasks itself, because UPSTREAM_URL is not set';
  return [
    ok('variables', `all valid; the gateway ${backend}`),
    ...config.ignoredVariables.map((problem) => variableFinding(warning, problem)),
    ...findings.flat(),
  ];
}

/** Turns `NAME: what is wrong; what to do` into a finding. */
function variableFinding(toFinding: typeof broken, problem: string): Finding {
  const [, name = 'variables', fact = problem, action] = /^([A-Z_]+): (.*?)(?:; ([^"]*))?$/is.exec(problem) ?? [];
  const remedy = action ?? `correct ${name}, or unset it`;
  return toFinding(name, fact, `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`);
}

/** Fetches the keys that verify callers' JWTs, as the gateway does. */
async function examineKeys({ jwksUrl }: AuthConfig): Promise<Finding> {
  // A query may be a secret.
  const address = `${jwksUrl.origin}${jwksUrl.pathname}`;
  try {
    const { keys } = await fetchKeySet(jwksUrl, TIMEOUT_MS);
    const isUsable = ({ use = 'sig', alg = 'RS256', ...key }: (typeof keys)[number]): boolean =>
      use === 'sig' && ALGORITHMS.includes(alg) && isPublic(key);
    const usable = keys.filter(isUsable).length;
    const fact = `${count(keys.length, 'key')} at ${address}, ${usable} usable`;
    if (usable === 0)
      return broken('keys', fact, `The issuer must publish a signature key for one of: ${ALGORITHMS.join(', ')}.`);
    if (jwksUrl.protocol === 'https:' || LOOPBACK.test(jwksUrl.hostname)) return ok('keys', fact);
    const remedy = 'Use https: anyone who can change these keys can forge tokens.';
    return warning('keys', `${fact}; fetched over plain http`, remedy);
  } catch (error) {
    const { message, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
    const remedy = 'Check AUTH_JWKS_URL: it must be the jwks_uri of the issuer.';
    return broken('keys', `${address}: ${cause?.code ?? message}`, remedy);
  }
}

/** Returns false for a symmetric or malformed key. */
function isPublic(key: JsonWebKey): boolean {
  try {
    return createPublicKey({ key, format: 'jwk' }).type === 'public';
  } catch {
    return false;
  }
}

/** Listens where the gateway would, for a moment. */
async function examinePort(variable: 'PORT' | 'METRICS_PORT', host: string, port: number): Promise<Finding> {
  const subject = variable.toLowerCase().replace('_', ' ');
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    return ok(subject, port === 0 ? `any free port on ${host}` : `${place} is free`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE')
      return broken(subject, `cannot listen on ${place} (${code})`, `Check HOST, or set ${variable} to another port.`);
    const answer = await fetch(`http://${place}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => null);
    if (!answer?.headers.has('x-request-id'))
      return broken(subject, `another program listens on ${place}`, `Set ${variable} to another port.`);
    const remedy = 'Nothing to do if it is the one that you are checking.';
    return warning(subject, `a gateway already listens on ${place}`, remedy);
  }
}
