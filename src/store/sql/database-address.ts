/** A database's address, understood. */
export interface DatabaseAddress {
  readonly kind: 'sqlite' | 'postgres';
  /** For people: the path of a file, or an address without its password. */
  readonly name: string;
}

const SQLITE = 'sqlite:';
const NO_HOST = 'no-host.invalid';

/** Null for an address that is neither `sqlite:<path>` nor `postgres://…`. */
export function parseDatabaseAddress(databaseUrl: string): DatabaseAddress | null {
  if (databaseUrl.startsWith(SQLITE)) {
    const path = databaseUrl.slice(SQLITE.length);
    return path === '' ? null : { kind: 'sqlite', name: path };
  }
  const url = parsePostgresUrl(databaseUrl);
  if (!url || databaseUrl.includes('\n')) return null;
  const user = url.username === '' ? '' : `${url.username}@`;
  // The parameters may hold a password.
  const folder = url.searchParams.get('host');
  const host = url.host === NO_HOST ? '' : url.host;
  const where = folder === null ? '' : `?host=${folder}`;
  return { kind: 'postgres', name: `postgres://${user}${host}${url.pathname}${where}` };
}

/** The driver takes an address with a user but no host, `postgres://user@/database?host=/folder`; as a URL it needs one. */
function parsePostgresUrl(text: string): URL | null {
  const url = URL.parse(text) ?? URL.parse(text.replace('@/', `@${NO_HOST}/`));
  return url && /^postgres(ql)?:$/.test(url.protocol) ? url : null;
}
