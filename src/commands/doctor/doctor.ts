import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type AuthConfig, type Config, ConfigError, type Environment, readConfig } from '../../app/config.ts';
import { findUnusedProxy } from '../../app/config-proxy.ts';
import { ALGORITHMS } from '../../auth/jwt.ts';
import { fetchKeySet } from '../../auth/published-keys.ts';
import { examineDatabase } from './database-examination.ts';
import { UsageError } from '../arguments.ts';
import { broken, type Finding, formatReport, ok, skipped, warning } from './finding.ts';
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
    const findings = error.problems.map((problem) => variableFinding(broken, problem));
    return [...findings, skipped('all else', 'not checked until the variables are valid')];
  }
  const { upstream, auth, host, port, metricsPort, databaseUrl } = config;
  const examinations = await Promise.all([
    upstream?.isRecorded === false
      ? [skipped('database', 'not used because RECORD=off')]
      : guarded('database', examineDatabase(databaseUrl, upstream === null)),
    ...(upstream ? [guarded('service', examineService(upstream))] : []),
    ...(auth ? [guarded('keys', examineKeys(auth))] : []),
    guarded('port', examinePort('port', 'PORT', host, port)),
    ...(metricsPort === null
      ? []
      : [guarded('metrics port', examinePort('metrics port', 'METRICS_PORT', host, metricsPort))]),
  ]);
  const ignored = config.ignoredVariables.map((problem) => variableFinding(warning, problem));
  return [modeFinding(config), ...ignored, ...proxyFindings(env, config), ...examinations.flat()];
}

/** Turns `NAME: what is wrong; what to do` into a finding. */
function variableFinding(toFinding: typeof broken, problem: string): Finding {
  const [, name = 'variables', fact = problem, action] = /^([A-Z_]+): (.*?)(?:; ([^"]*))?$/is.exec(problem) ?? [];
  const remedy = action ?? `correct ${name}, or unset it if it has a default`;
  return toFinding(name, fact, `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`);
}

function modeFinding({ upstream }: Config): Finding {
  if (!upstream) return ok('variables', 'all valid; the gateway stores the tasks itself');
  const whose = upstream.ownClient ? 'its own credentials' : "the caller's credentials";
  return ok('variables', `all valid; the gateway sends creates to the service as ${upstream.format}, with ${whose}`);
}

function proxyFindings(env: Environment, { upstream }: Config): readonly Finding[] {
  const variable = upstream && findUnusedProxy(env, upstream.url);
  if (!variable) return [];
  const remedy = 'If the service is behind that proxy, set NODE_USE_ENV_PROXY=1; otherwise list its host in NO_PROXY.';
  return [warning('proxy', `${variable} is set, but the gateway does not use it`, remedy)];
}

/** Fetches the keys that verify callers' JWTs, as the gateway does. */
async function examineKeys({ jwksUrl }: AuthConfig): Promise<Finding> {
  // A query may be a secret.
  const address = `${jwksUrl.origin}${jwksUrl.pathname}`;
  try {
    const { keys } = ((await fetchKeySet(jwksUrl, TIMEOUT_MS)) ?? {}) as { readonly keys?: unknown };
    if (!Array.isArray(keys)) throw new Error('The answer is not a JSON Web Key Set.');
    const fact = `${keys.length} key${keys.length === 1 ? '' : 's'} at ${address}, ${keys.filter(isUsable).length} usable`;
    if (!keys.some(isUsable))
      return broken('keys', fact, `The issuer must publish a signature key for one of: ${ALGORITHMS.join(', ')}.`);
    if (jwksUrl.protocol === 'https:' || LOOPBACK.test(jwksUrl.hostname)) return ok('keys', fact);
    const remedy = 'Use https: anyone who can change these keys can forge tokens.';
    return warning('keys', `${fact}; fetched over plain http`, remedy);
  } catch (error) {
    const { message, cause } = error as Error;
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    const reason = error instanceof SyntaxError ? 'The answer is not JSON.' : message;
    return broken(
      'keys',
      `${address}: ${reason}${code}`,
      'Check AUTH_JWKS_URL: it must be the jwks_uri of the issuer.',
    );
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
    if (code === 'EADDRINUSE' && (await isGateway(place))) {
      const remedy = 'Nothing to do if it is the one that you are checking.';
      return warning(subject, `a gateway already listens on ${place}`, remedy);
    }
    if (code === 'EADDRINUSE')
      return broken(subject, `another program listens on ${place}`, `Set ${variable} to another port.`);
    const remedy = `Set HOST to 127.0.0.1, or to 0.0.0.0 for all addresses, and ${variable} to 1024 or more.`;
    return broken(subject, `this user cannot listen on ${place} (${code})`, remedy);
  }
}

async function isGateway(place: string): Promise<boolean> {
  const response = await fetch(`http://${place}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => null);
  return response?.headers.has('x-request-id') === true;
}

async function guarded(
  subject: string,
  examination: Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return [await examination].flat();
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error;
    return [broken(subject, `the check failed (${name})`, 'Start the gateway: its error message says more.')];
  }
}
