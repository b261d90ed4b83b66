import { type Database, DatabaseUnavailableError } from '../../src/store/sql/database.ts';

/** Decorates a database so that its transactions fail while the test sets `state.isDown`. */
export function withOutages(database: Database) {
  const state = { isDown: false };
  const decorated: Database = {
    ...database,
    transaction: (work) =>
      state.isDown
        ? Promise.reject(new DatabaseUnavailableError('it is down', { cause: null }))
        : database.transaction(work),
  };
  return { database: decorated, state };
}
