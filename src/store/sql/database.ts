/** A value that every database binds and returns alike. A list can only be bound, for `= ANY (?1)`. */
export type SqlValue = string | number | null;
export type SqlParameter = SqlValue | readonly string[];
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * Reads with SQL that SQLite and PostgreSQL share. The adapters translate three notations: numbered placeholders (`?1`, in
 * PostgreSQL `$1`), membership in a list parameter (`column = ANY (?1)`, in SQLite a json_each), and `now_ms()`, the
 * database's own clock in whole milliseconds since 1970, rounded down. Mixed-case column aliases need double quotes. Text
 * compares by its bytes, and counts are returned as numbers.
 */
export interface SqlReader {
  read<Row extends SqlRow>(sql: string, parameters?: readonly SqlParameter[]): Promise<readonly Row[]>;
}

export interface InsertOptions {
  readonly ifAbsent: boolean;
}

/** The methods available inside a transaction. */
export interface SqlTransaction extends SqlReader {
  /** Resolves with the number of changed rows. */
  write(sql: string, parameters?: readonly SqlParameter[]): Promise<number>;
  /** Inserts any number of rows. `ifAbsent` skips rows whose key already exists. */
  insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
    options?: InsertOptions,
  ): Promise<void>;
  /** Takes a lock until the end of the transaction; another `exclusive` transaction, in any process, waits for it. */
  exclusive(): Promise<void>;
}

/**
 * A database. Reads see committed rows only.
 * Every method throws `DatabaseUnavailableError` if the database itself fails and `UnstorableDataError` if it refuses a
 * value. Any other error is a defect.
 */
export interface Database extends SqlReader {
  /** How many concurrent transactions improve the throughput. */
  readonly parallelTransactions: number;
  /**
   * Runs `work` and commits; resolves once the commit is durable. If `work` throws, nothing is stored.
   * `work` must await only the transaction's own methods, since other callers may be waiting for its end.
   * It runs again if its transaction was rolled back for a temporary reason.
   */
  transaction<Result>(work: (transaction: SqlTransaction) => Promise<Result>): Promise<Result>;
  /** Closes the database after the current work. */
  close(): Promise<void>;
}

/**
 * The database refuses a value: it is too long, breaks a constraint or contains a character that cannot be stored.
 * Nothing of its transaction is stored, and a retry would fail the same way.
 */
export class UnstorableDataError extends Error {
  override readonly name = 'UnstorableDataError';

  constructor(cause: unknown) {
    super('The database refuses a value.', { cause });
  }
}

/** The database is full, read-only, locked, damaged or unreachable. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
  /** A clause such as "the disk is full". */
  readonly reason: string;
  /** True if the commit itself failed and the transaction may or may not be stored. */
  readonly fateUnknown: boolean;

  constructor(reason: string, { cause, fateUnknown = false }: { cause: unknown; fateUnknown?: boolean }) {
    super(`The database cannot be used: ${reason}.`, { cause });
    this.reason = reason;
    this.fateUnknown = fateUnknown;
  }
}

/** Runs work for a database until it is closed. Then `end` is called, once what is under way has ended. */
export function whileOpen(end: () => Promise<void> | void) {
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;
  const run = <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (closing) return Promise.reject(new DatabaseUnavailableError('it is closed', { cause: null }));
    const running = work();
    underWay.add(running);
    const forget = (): void => void underWay.delete(running);
    running.then(forget, forget);
    return running;
  };
  const close = (): Promise<void> => {
    closing ??= Promise.allSettled(underWay).then(end);
    return closing;
  };
  return { run, close };
}

/** A parsed database address. */
export interface DatabaseAddress {
  readonly kind: 'sqlite' | 'postgres';
  /** For messages: the path of a file, or an address without its password. */
  readonly name: string;
}

const SQLITE = 'sqlite:';
const NO_HOST = 'no-host.invalid';

/** Returns null for an address that is neither `sqlite:<path>` nor `postgres://…`. */
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

/** The driver accepts a user without a host, `postgres://user@/database?host=/folder`, which is not a valid URL. */
function parsePostgresUrl(text: string): URL | null {
  const url = URL.parse(text) ?? URL.parse(text.replace('@/', `@${NO_HOST}/`));
  return url && /^postgres(ql)?:$/.test(url.protocol) ? url : null;
}

/** Reads the database's clock, which all gateways share, in milliseconds since 1970. */
export async function readClock(reader: SqlReader): Promise<number> {
  const [row] = await reader.read<{ nowMs: number }>('SELECT now_ms() AS "nowMs"');
  return row?.nowMs as number;
}

/** Formats a time as text of fixed width, so that texts compare as the times do. */
export function toIso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** The columns of a table. A row in this program has the names of the columns in camel case, or as the contract has them: `taskId`, `TaskID`. */
export function describeTable<Row extends SqlRow>(name: string, ...fields: readonly (keyof Row & string)[]) {
  const columns = fields.map(toColumn);
  const toValues = (row: Row): readonly SqlValue[] => fields.map((field) => row[field] as SqlValue);
  return {
    columns,
    toValues,
    /** Returns the columns for a SELECT of all fields, or of those that are named. */
    select: (selected: readonly (keyof Row & string)[] = fields): string =>
      selected.map((field) => `${toColumn(field)} AS "${field}"`).join(', '),
    /** Inserts any number of rows. `ifAbsent` skips rows whose key already exists. */
    insert: (transaction: SqlTransaction, rows: readonly Row[], options?: InsertOptions): Promise<void> =>
      transaction.insert(name, columns, rows.map(toValues), options),
  };
}

function toColumn(field: string): string {
  return field.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase();
}
