import { TaskFailure } from '../contract/failure.ts';
import { DatabaseUnavailableError, UnstorableDataError, type Database } from './sql/database.ts';
import type { ReadinessCheck } from '../contract/task-service.ts';

/** Converts a database error during a write to the caller's failure. Returns any other error unchanged. */
export function toWriteFailure(error: unknown): unknown {
  if (error instanceof UnstorableDataError) return refusedValue(error);
  if (!(error instanceof DatabaseUnavailableError)) return error;
  if (error.fateUnknown) {
    return new TaskFailure(
      { code: 'STORE_FAILED', outcome: 'UNKNOWN' },
      'The task store failed while it was storing the task; the task may have been stored.',
      { cause: error },
    );
  }
  return new TaskFailure(
    { code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' },
    'The task store cannot be written at the moment; nothing was stored.',
    { cause: error },
  );
}

/** Converts a database error during a read to the caller's failure. Returns any other error unchanged. */
export function toReadFailure(error: unknown): unknown {
  if (error instanceof UnstorableDataError) return refusedValue(error);
  if (!(error instanceof DatabaseUnavailableError)) return error;
  return new TaskFailure(
    { code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' },
    'The task store cannot be read at the moment.',
    { cause: error },
  );
}

function refusedValue(cause: UnstorableDataError): TaskFailure {
  return new TaskFailure(
    { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    'The database cannot store a value of this request: it is too long or contains a character such as U+0000. Nothing was stored.',
    { cause },
  );
}

/** Creates a readiness check that reads from one of our tables. */
export function databaseCheck(database: Database): ReadinessCheck {
  return async () => {
    try {
      await database.read('SELECT number FROM schema_migrations');
      return 'ok';
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      throw new TaskFailure({ code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' }, error.message, { cause: error });
    }
  };
}
