import type { Database, SqlReader } from '../../src/store/sql/database.ts';

/** A clock that a test sets, in milliseconds since 1970. */
export interface TestClock {
  nowMs: number;
}

/** Decorates a database so that it uses the test's clock instead of its own. */
export function withClock(database: Database, clock: TestClock): Database {
  const toClockedSql = (sql: string): string => sql.replaceAll('now_ms()', String(clock.nowMs));
  const toClocked = <Reader extends SqlReader>(reader: Reader): Reader => ({
    ...reader,
    read: (sql, parameters) => reader.read(toClockedSql(sql), parameters),
  });
  return {
    ...toClocked(database),
    transaction: (work) =>
      database.transaction((transaction) =>
        work({
          ...toClocked(transaction),
          write: (sql, parameters) => transaction.write(toClockedSql(sql), parameters),
        }),
      ),
  };
}
