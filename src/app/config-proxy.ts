import type { ReadVariable } from './config-variables.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const HTTP_VARIABLES = ['http_proxy', 'HTTP_PROXY'];
/** The first variable that is set wins, as in Node's fetch. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'http:': HTTP_VARIABLES,
  'https:': ['https_proxy', 'HTTPS_PROXY', ...HTTP_VARIABLES],
};

/** Reads the proxy for an address by the rules of Node's fetch: NODE_USE_ENV_PROXY enables it, NO_PROXY makes exceptions. */
export function readProxy(env: Environment, read: ReadVariable, address: URL): URL | null {
  const variable = findVariable(env, address);
  return variable !== null && isOn(env) ? read<URL | null>(variable, null, parseProxy) : null;
}

/** Returns the variable that names a proxy for an address while proxies are not enabled; null if there is no such variable. */
export function findUnusedProxy(env: Environment, address: URL): string | null {
  return isOn(env) ? null : findVariable(env, address);
}

function isOn(env: Environment): boolean {
  return env['NODE_USE_ENV_PROXY'] === '1' || /--use-env-proxy\b/.test(env['NODE_OPTIONS'] ?? '');
}

function findVariable(env: Environment, address: URL): string | null {
  const variable = VARIABLES[address.protocol]?.find((name) => env[name]?.trim());
  return variable === undefined || isExcepted(address, env['no_proxy'] ?? env['NO_PROXY'] ?? '') ? null : variable;
}

function parseProxy(text: string): URL {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new Error('expected the http or https address of a proxy, such as http://proxy:3128');
}

/** Returns true if an entry is `*`, the host or one of its parent domains, each with or without the port. */
function isExcepted({ protocol, hostname, port }: URL, exceptions: string): boolean {
  const host = hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
  const ownPort = port || (protocol === 'https:' ? '443' : '80');
  return exceptions.split(/[\s,]+/).some((entry) => {
    const [, bracketed, plain, entryPort] = /^(?:\[(.+)\]|([^:]+|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
    const name = (bracketed ?? plain ?? '').toLowerCase();
    if (name === '' || (entryPort !== undefined && entryPort !== ownPort)) return false;
    const domain = name.replace(/^\*?\./, '');
    return name === '*' || name === host || host.endsWith(`.${domain}`);
  });
}
