import type { SqlValue } from './database.ts';

/** A statement. Each connection prepares it once if it has a name. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

export interface StatementOptions {
  /** The COLLATE clause that makes text compare by its bytes. */
  readonly collation: string;
  /** False if prepared statements do not last until the next transaction. */
  readonly isPrepared: boolean;
}

/** The limit of text in one insert, because the driver builds whole statements in memory. */
const MAX_STATEMENT_LENGTH = 4_194_304;

/** Creates a function that translates the shared SQL, each text once. */
export function createStatements({ collation, isPrepared }: StatementOptions): (sql: string) => Statement {
  const statements = new Map<string, Statement>();
  return (sql) => {
    const known = statements.get(sql);
    if (known) return known;
    const text = toPostgresSql(sql, collation);
    const statement = isPrepared ? { name: `s${statements.size + 1}`, text } : { text };
    statements.set(sql, statement);
    return statement;
  };
}

/** Returns an INSERT of any number of rows. Its parameters are one list per column. */
export function toInsert(
  table: string,
  columns: readonly string[],
  lists: readonly (readonly SqlValue[])[],
  ifAbsent: boolean,
): string {
  const types = lists.map((values) => (values.some((value) => typeof value === 'number') ? 'bigint[]' : 'text[]'));
  const parameters = types.map((type, index) => `?${index + 1}::${type}`).join(', ');
  const insert = `INSERT INTO ${table} (${columns.join(', ')}) SELECT * FROM unnest(${parameters})`;
  return ifAbsent ? `${insert} ON CONFLICT DO NOTHING` : insert;
}

/** Splits the rows into as few parts as fit into one statement each. */
export function splitRows(rows: readonly (readonly SqlValue[])[]): readonly (readonly (readonly SqlValue[])[])[] {
  const parts: (readonly SqlValue[])[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const added = row.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 8), 0);
    if (length + added > MAX_STATEMENT_LENGTH) {
      parts.push([]);
      length = 0;
    }
    parts.at(-1)?.push(row);
    length += added;
  }
  return parts;
}

/** The time of the statement, not that of the start of its transaction. */
const NOW_MS = 'CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)';

function toPostgresSql(sql: string, collation: string): string {
  const text = sql.replace(/\?(\d+)/g, '$$$1').replaceAll('now_ms()', NOW_MS);
  // A database's own collation may put "aa" after "z".
  return /^\s*CREATE TABLE\b/.test(text) ? text.replace(/\bTEXT\b/g, `TEXT ${collation}`.trimEnd()) : text;
}
