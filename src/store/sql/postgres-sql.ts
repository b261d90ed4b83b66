import type { SqlValue } from './database.ts';

/** A statement that each connection prepares once, where it has a name. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

export interface StatementOptions {
  /** The clause by which text compares by its bytes. */
  readonly collation: string;
  /** False where a prepared statement is not there for the next transaction. */
  readonly isPrepared: boolean;
}

/** More text than this goes into the next statement: the driver builds a whole statement in memory. */
const MAX_STATEMENT_LENGTH = 4_194_304;

/** Translates the shared SQL, each text once. */
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

/** An insert of any number of rows whose parameters are its columns, each a list. */
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

/** The rows in as few parts as may each be one statement. */
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

/** The time of the statement, not of its transaction's begin. */
const NOW_MS = 'CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)';

function toPostgresSql(sql: string, collation: string): string {
  const text = sql.replace(/\?(\d+)/g, '$$$1').replaceAll('now_ms()', NOW_MS);
  // A database's own collation may put "aa" after "z".
  return /^\s*CREATE TABLE\b/.test(text) ? text.replace(/\bTEXT\b/g, `TEXT ${collation}`.trimEnd()) : text;
}
