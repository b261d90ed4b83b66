import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient, QueryResult } from 'pg';
import {
  type Database,
  DatabaseUnavailableError,
  type SqlParameter,
  type SqlRow,
  type SqlTransaction,
  type SqlValue,
  whileOpen,
} from './database.ts';
import { isConnectionLost, mayRunAgain, toPostgresCommitFailure, toStatementFailure } from './postgres-failure.ts';
import { beginInPool, CLIENT_TIMEOUT_GRACE_MS, createPostgresPool, detectPostgresKind } from './postgres-pool.ts';

export interface PostgresOptions {
  /** The limit for one statement, including a commit. */
  readonly statementTimeoutMs?: number;
  /** The limit for getting a free connection or making one. */
  readonly connectTimeoutMs?: number;
  /** How many reads may run or wait for a connection; further ones fail at once. */
  readonly maxReads?: number;
}

/** Measured with 64 callers: more gain nothing and leave fewer connections for reads. */
const PARALLEL_TRANSACTIONS = 4;
const MAX_RUNS = 6;
const FIRST_PAUSE_MS = 4;
const EXCLUSIVE_TIMEOUT_MS = 600_000;
/** An arbitrary number, the same in every process of this program. */
const EXCLUSIVE_LOCK = 4_163_746_757_001;

/**
 * Opens a database that speaks PostgreSQL's protocol, at `postgres://…`.
 * Work that conflicts with another transaction, or loses its connection before the commit, runs again a few times.
 * @throws DatabaseUnavailableError if it cannot be reached.
 */
export async function openPostgres(address: string, options: PostgresOptions = {}): Promise<Database> {
  const { statementTimeoutMs = 10_000, connectTimeoutMs = 5_000, maxReads = 1_000 } = options;
  const pool = createPostgresPool(address, { statementTimeoutMs, connectTimeoutMs });
  const { run, close } = whileOpen(() => pool.end());
  let reads = 0;

  const onConnection = async <Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> => {
    for (let runs = 1; ; runs += 1) {
      const client = await pool.connect();
      let isLost = true;
      try {
        const result = await work(client);
        isLost = false;
        return result;
      } catch (error) {
        isLost = isConnectionLost(error);
        if (runs === MAX_RUNS || !mayRunAgain(error)) throw error;
      } finally {
        client.release(isLost);
      }
      await delay(FIRST_PAUSE_MS * 2 ** (runs - 1) * (0.5 + Math.random()));
    }
  };

  const { hasLocks, collation, isPooled, isDurable } = await onConnection(detectPostgresKind).catch(
    async (error: unknown) => {
      await pool.destroy();
      throw error;
    },
  );
  const toStatement = createStatements({ collation, isPrepared: !isPooled });
  const beginning = isPooled ? beginInPool(statementTimeoutMs, isDurable) : 'BEGIN';

  const execute = async <Row extends SqlRow>(
    client: PoolClient,
    sql: string,
    parameters: readonly SqlParameter[] = [],
    timeouts: { readonly query_timeout?: number } = {},
  ): Promise<QueryResult<Row>> => {
    try {
      return await client.query<Row>({ ...toStatement(sql), values: [...parameters], ...timeouts });
    } catch (error) {
      throw toStatementFailure(error);
    }
  };

  const begin = (client: PoolClient): SqlTransaction => {
    // A read may be sent before BEGIN is answered. A write may not: it would be stored outside the transaction if BEGIN fails.
    const begun = execute(client, beginning);
    begun.catch(ignore);
    let timeouts = {};
    const transaction: SqlTransaction = {
      read: async (sql, parameters) => (await execute<never>(client, sql, parameters, timeouts)).rows,
      async write(sql, parameters) {
        await begun;
        return (await execute(client, sql, parameters, timeouts)).rowCount ?? 0;
      },
      async insert(table, columns, rows, { ifAbsent } = { ifAbsent: false }) {
        for (const part of splitRows(rows)) {
          const lists = columns.map((_, index) => part.map((row) => row[index] ?? null));
          await transaction.write(toInsert(table, columns, lists, ifAbsent), lists as never);
        }
      },
      async exclusive() {
        timeouts = { query_timeout: EXCLUSIVE_TIMEOUT_MS + CLIENT_TIMEOUT_GRACE_MS };
        await transaction.write(`SET LOCAL statement_timeout = ${EXCLUSIVE_TIMEOUT_MS}`);
        if (hasLocks) await transaction.read('SELECT pg_advisory_xact_lock(?1)', [EXCLUSIVE_LOCK]);
      },
    };
    return transaction;
  };

  return {
    parallelTransactions: PARALLEL_TRANSACTIONS,
    async read(sql, parameters) {
      if (reads >= maxReads) throw new DatabaseUnavailableError('too many reads are waiting for it', { cause: null });
      reads += 1;
      try {
        return await run(() => onConnection(async (client) => (await execute<never>(client, sql, parameters)).rows));
      } finally {
        reads -= 1;
      }
    },
    transaction: (work) =>
      run(() =>
        onConnection(async (client) => {
          try {
            const result = await work(begin(client));
            await commit(client);
            return result;
          } catch (error) {
            if (!isConnectionLost(error)) await client.query('ROLLBACK').catch(ignore);
            throw error;
          }
        }),
      ),
    close,
  };
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT').catch((error: unknown) => {
    throw toPostgresCommitFailure(error);
  });
  if (command !== 'COMMIT') throw new Error('A transaction continued after one of its statements had failed.');
}

function ignore(): void {}

/** A statement. Each connection prepares it once if it has a name. */
interface Statement {
  readonly name?: string;
  readonly text: string;
}

interface StatementOptions {
  /** The COLLATE clause that makes text compare by its bytes. */
  readonly collation: string;
  /** False if prepared statements do not last until the next transaction. */
  readonly isPrepared: boolean;
}

/** The limit of text in one insert, because the driver builds whole statements in memory. */
const MAX_STATEMENT_LENGTH = 4_194_304;

/** Creates a function that translates the shared SQL, each text once. */
function createStatements({ collation, isPrepared }: StatementOptions): (sql: string) => Statement {
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
function toInsert(
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
function splitRows(rows: readonly (readonly SqlValue[])[]): readonly (readonly (readonly SqlValue[])[])[] {
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
