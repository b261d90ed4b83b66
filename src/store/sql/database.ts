/** A value that every database binds and gives back alike; a list is only ever bound, for `= ANY (?1)`. */
export type SqlValue = string | number | null;
export type SqlParameter = SqlValue | readonly string[];
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * The SQL that SQLite and PostgreSQL share, with three spellings an adapter translates: placeholders are numbered
 * (`?1`, PostgreSQL's `$1`), membership in a list parameter is `column = ANY (?1)` (a json_each in SQLite), and `now_ms()`
 * is the database's own clock in whole milliseconds since 1970, rounded down. Column aliases in mixed case stand in double quotes. Text compares by its bytes, and counts come back as numbers.
 */
export interface SqlReader {
  read<Row extends SqlRow>(sql: string, parameters?: readonly SqlParameter[]): Promise<readonly Row[]>;
}

/** What may be done inside a transaction. */
export interface SqlTransaction extends SqlReader {
  /** Resolves with the number of rows it changed. */
  write(sql: string, parameters?: readonly SqlParameter[]): Promise<number>;
  /** Inserts any number of rows, each the columns' values in their order; `ifAbsent` passes over those whose key is there. */
  insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
    options?: { readonly ifAbsent: boolean },
  ): Promise<void>;
  /** Makes every other transaction that asks for it, in any process, wait for the end of this one. */
  exclusive(): Promise<void>;
}

/**
 * A database that holds committed rows only: a read sees no transaction that is still under way.
 * Every method throws `DatabaseUnavailableError` when the database itself fails and `UnstorableDataError` when it refuses a
 * value; any other error is a defect.
 */
export interface Database extends SqlReader {
  /** How many transactions may gain from being under way at once. */
  readonly parallelTransactions: number;
  /**
   * Runs `work` and commits; resolves only when the commit is durable. When `work` throws, nothing is stored.
   * `work` awaits nothing but the transaction's own methods: other callers may be waiting for its end.
   * It runs again when its transaction was rolled back for a reason that passes.
   */
  transaction<Result>(work: (transaction: SqlTransaction) => Promise<Result>): Promise<Result>;
  /** Lets the work under way finish first. */
  close(): Promise<void>;
}

/**
 * The database refuses a value: it is too long, breaks a constraint or holds a character that the database cannot.
 * Nothing of its transaction is stored, and it would be refused again.
 */
export class UnstorableDataError extends Error {
  override readonly name = 'UnstorableDataError';

  constructor(cause: unknown) {
    super('The database refuses a value.', { cause });
  }
}

/** The database is full, read-only, locked, damaged or gone. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
  /** A clause that says which: "the disk is full". */
  readonly reason: string;
  /** True when the failure came in the commit itself and left open whether the transaction is stored. */
  readonly fateUnknown: boolean;

  constructor(reason: string, { cause, fateUnknown = false }: { cause: unknown; fateUnknown?: boolean }) {
    super(`The database cannot be used: ${reason}.`, { cause });
    this.reason = reason;
    this.fateUnknown = fateUnknown;
  }
}

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

/** Reads the database's clock, in milliseconds since 1970: the one that every gateway of the database goes by. */
export async function readClock(reader: SqlReader): Promise<number> {
  const [row] = await reader.read<{ nowMs: number }>('SELECT now_ms() AS "nowMs"');
  return row?.nowMs as number;
}

/** An instant as texts of one width, which compare as the instants do. */
export function toIso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
