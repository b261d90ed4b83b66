/** A database's address, understood. */
export interface DatabaseAddress {
  readonly kind: 'sqlite' | 'postgres';
  /** For people: the path of a file, or an address without its password. */
  readonly name: string;
}

const SQLITE = 'sqlite:';

/** Null for an address that is neither `sqlite:<path>` nor `postgres://…`. */
export function parseDatabaseAddress(databaseUrl: string): DatabaseAddress | null {
  if (databaseUrl.startsWith(SQLITE)) {
    const path = databaseUrl.slice(SQLITE.length);
    return path === '' ? null : { kind: 'sqlite', name: path };
  }
  const url = URL.parse(databaseUrl);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || databaseUrl.includes('\n')) return null;
  const user = url.username === '' ? '' : `${url.username}@`;
  return { kind: 'postgres', name: `postgres://${user}${url.host}${url.pathname}` };
}
