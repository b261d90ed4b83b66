import { TaskFailure } from '../contract/failure.ts';
import type { Check } from '../contract/task-service.ts';
import { type Database, DatabaseUnavailableError } from './sql/database.ts';

/** Whether the database answers, and has our tables. */
export function databaseCheck(database: Database): Check {
  return async () => {
    try {
      await database.read('SELECT number FROM schema_migrations');
      return 'ok';
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      throw new TaskFailure({ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, error.message, { cause: error });
    }
  };
}
