import { TaskFailure } from '../contract/failure.ts';
import { DatabaseUnavailableError, UnstorableDataError, type Database } from './sql/database.ts';
import type { ReadinessCheck } from '../contract/task-service.ts';

/** Converts a database error during a write to the caller's failure. Returns any other error unchanged. */
export function toWriteFailure(error: unknown, unknownFate = 'it may have been stored'): unknown {
  if (error instanceof UnstorableDataError) return refusedValue(error);
  if (!(error instanceof DatabaseUnavailableError)) return error;
  if (error.fateUnknown) {
    return new TaskFailure('STORE_FAILED', `The task store failed while it was storing this; ${unknownFate}.`, {
      cause: error,
    });
  }
  return new TaskFailure('STORE_UNAVAILABLE', 'The task store cannot be written at the moment; nothing was stored.', {
    cause: error,
  });
}

/** Throws a database error during a read as the caller's failure, and any other error unchanged. */
export function throwReadFailure(error: unknown): never {
  if (error instanceof UnstorableDataError) throw refusedValue(error);
  if (!(error instanceof DatabaseUnavailableError)) throw error;
  throw new TaskFailure('STORE_UNAVAILABLE', 'The task store cannot be read at the moment.', { cause: error });
}

function refusedValue(cause: UnstorableDataError): TaskFailure {
  return new TaskFailure(
    'BAD_USER_INPUT',
    'The database cannot store a value of this request: it is too long or contains a character such as U+0000. Nothing was stored.',
    { cause },
  );
}

/** The failure of a write to an account task that the caller does not have. */
export function accountTaskNotFound(id: string, undone: 'changed' | 'sent'): TaskFailure {
  return new TaskFailure('ACCOUNT_TASK_NOT_FOUND', `The caller has no account task ${id}; nothing was ${undone}.`);
}

/** Creates a readiness check that reads from one of our tables. */
export function databaseCheck(database: Database): ReadinessCheck {
  return async () => {
    try {
      await database.read('SELECT number FROM schema_migrations');
      return 'ok';
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      throw new TaskFailure('STORE_UNAVAILABLE', error.message, { cause: error });
    }
  };
}
