import { isIP } from 'node:net';

/** Reads one variable, given its name, default and parser. A blank variable counts as unset. */
export type ReadVariable = <T>(name: string, fallback: T, parse: (text: string) => T) => T;

// Parsers of variables. Each throws an Error that says what is expected.

/** Accepts any text. */
export function anyText(text: string): string {
  return text;
}

/** Accepts a whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < min || number > max) expected(`a whole number from ${min} to ${max}`, text);
    return number;
  };
}

/** Accepts a number from 0 to 1. */
export function fraction(text: string): number {
  return /^(0|0?\.\d+|1(\.0+)?)$/.test(text) ? Number(text) : expected('a number from 0 to 1', text);
}

/** Accepts one of a few words, in upper or lower case. */
export function oneOf<const T extends readonly string[]>(values: T): (text: string) => T[number] {
  return (text) => values.find((value) => value === text.toLowerCase()) ?? expected(formatAlternatives(values), text);
}

/** Accepts on, true, 1, yes; or off, false, 0, no. */
export function onOrOff(text: string): boolean {
  if (/^(on|true|1|yes)$/i.test(text)) return true;
  return /^(off|false|0|no)$/i.test(text) ? false : expected('on or off', text);
}

/** Accepts an http or https address without credentials or fragment. */
export function parseAddress(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return expected('an http or https address such as https://host/');
  if (url.username || url.password || url.hash) throw new Error('expected an address without credentials or fragment');
  return url;
}

/** Accepts an address to resolve paths under. The result's path ends with a slash. */
export function parseBaseUrl(text: string): URL {
  const url = parseAddress(text);
  if (url.search) throw new Error('expected an address without a query');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** Accepts `sqlite:<file>` or `postgres://…`. */
export function parseDatabaseUrl(text: string): string {
  // The driver accepts a user without a host, as in `postgres://user@/database?host=/folder`; URL.parse does not.
  const url = URL.parse(text) ?? URL.parse(text.replace('@/', '@host/'));
  const isPostgres = /^postgres(ql)?:$/.test(url?.protocol ?? '');
  return isPostgres || /^sqlite:.+/.test(text)
    ? text
    : expected('sqlite:<file> or postgres://<user>:<password>@<host>/<database>');
}

/** Accepts origins, separated by commas. */
export function parseOrigins(text: string): string[] {
  return text.split(',').map((entry) => {
    const origin = URL.parse(entry.trim());
    return origin && origin.origin === entry.trim()
      ? origin.origin
      : expected('origins such as https://app.example, separated by commas', entry);
  });
}

/** Accepts IP addresses and CIDR blocks such as 10.0.0.0/8, separated by commas. */
export function parseAddressList(text: string): readonly string[] {
  return text.split(',').map((entry) => {
    const [address = '', prefix = '0', ...more] = entry.trim().split('/');
    const bits = isIP(address) === 6 ? 128 : 32;
    // A zone, as in fe80::1%eth0, is accepted by isIP only.
    const isAddress = isIP(address) !== 0 && !address.includes('%');
    const isPrefix = /^\d+$/.test(prefix) && Number(prefix) <= bits && more.length === 0;
    return isAddress && isPrefix
      ? entry.trim()
      : expected('IP addresses or blocks such as 10.0.0.0/8, separated by commas', entry);
  });
}

const HTTP_VARIABLES = ['http_proxy', 'HTTP_PROXY'];
/** The variables that name a proxy. The first one that is set wins, as in Node's fetch. */
const PROXY_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'http:': HTTP_VARIABLES,
  'https:': ['https_proxy', 'HTTPS_PROXY', ...HTTP_VARIABLES],
};

/**
 * Reads the proxy for an address by the rules of Node's fetch: NODE_USE_ENV_PROXY enables it, NO_PROXY makes exceptions. `unused`
 * has a line for one that is not enabled.
 */
export function readProxy(
  read: ReadVariable,
  address: URL,
): { readonly proxy: URL | null; readonly unused: readonly string[] } {
  const textOf = (name: string): string => read(name, '', anyText);
  const variable = PROXY_VARIABLES[address.protocol]?.find(textOf);
  if (variable === undefined || isExcepted(address, textOf('no_proxy') || textOf('NO_PROXY')))
    return { proxy: null, unused: [] };
  if (textOf('NODE_USE_ENV_PROXY') === '1' || /--use-env-proxy\b/.test(textOf('NODE_OPTIONS')))
    return { proxy: read<URL | null>(variable, null, parseProxy), unused: [] };
  const remedy = 'if the service is behind that proxy, set NODE_USE_ENV_PROXY=1; otherwise list its host in NO_PROXY';
  return { proxy: null, unused: [`proxy: ${variable} is set, but the gateway does not use it; ${remedy}`] };
}

function parseProxy(text: string): URL {
  const url = URL.parse(text);
  return url && /^https?:$/.test(url.protocol)
    ? url
    : expected('the http or https address of a proxy, such as http://proxy:3128');
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

/** The locale's data is loaded here and not with this module, since that would make each start 30 ms longer. */
function formatAlternatives(values: readonly string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(values);
}

/** The given text is left out if it may contain a password. */
function expected(what: string, given?: string): never {
  throw new Error(`expected ${what}${given === undefined ? '' : `, got "${given}"`}`);
}
