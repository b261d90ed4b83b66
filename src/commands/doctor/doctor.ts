import { type Config, ConfigError, type Environment, readConfig } from '../../app/config.ts';
import { findUnusedProxy } from '../../app/config-proxy.ts';
import { parseDatabaseAddress } from '../../store/sql/database.ts';
import { broken, type Finding, ok, skipped, warning } from './finding.ts';
import { examineKeys } from './keys-examination.ts';
import { examinePort } from './port-examination.ts';
import { examinePostgres } from './postgres-examination.ts';
import { examineService } from './service-examination.ts';
import { examineSqlite, noDatabase } from './sqlite-examination.ts';

export { formatReport, worstState } from './finding.ts';

/** The time limit of each examination. */
const MAX_EXAMINATION_MS = 25_000;

/** Checks everything that the gateway needs to serve, concurrently, and changes nothing. */
export async function examine(env: Environment): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = readConfig(env, 'serve');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [
      ...error.problems.map((problem) => variableFinding(broken, problem)),
      skipped('all else', 'not checked until the variables are valid'),
    ];
  }
  const { upstream, auth, host, port, metricsPort } = config;
  const examinations = await Promise.all([
    bounded('database', examineDatabase(config)),
    ...(upstream ? [bounded('service', examineService(upstream))] : []),
    ...(auth ? [bounded('keys', examineKeys(auth))] : []),
    bounded('port', examinePort('port', host, port)),
    ...(metricsPort === null ? [] : [bounded('metrics port', examinePort('metrics port', host, metricsPort))]),
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

async function examineDatabase({ databaseUrl, upstream }: Config): Promise<readonly Finding[]> {
  if (upstream?.isRecorded === false) return [noDatabase()];
  const isStore = upstream === null;
  const address = parseDatabaseAddress(databaseUrl);
  return address?.kind === 'sqlite'
    ? examineSqlite({ path: address.name, isStore })
    : examinePostgres({ address: databaseUrl, isStore });
}

async function bounded(
  subject: string,
  examination: Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  const late = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => {
    const fact = `the check did not finish within ${MAX_EXAMINATION_MS / 1000} s`;
    late.resolve(broken(subject, fact, 'Try again; if this repeats, the other side does not answer.'));
  }, MAX_EXAMINATION_MS);
  try {
    const findings = await Promise.race([examination, late.promise]);
    return [findings].flat();
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error;
    return [broken(subject, `the check failed (${name})`, 'Start the gateway: its error message says more.')];
  } finally {
    clearTimeout(timer);
  }
}
