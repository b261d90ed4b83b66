import { TaskFailure } from '../contract/failure.ts';
import { DatabaseUnavailableError, UnstorableDataError, type Database } from './sql/database.ts';
import type { ReadinessCheck } from '../contract/task-service.ts';

/** The failure a caller sees when the database does not write; an error that is none of the database's comes back as it is. */
export function toWriteFailure(error: unknown): unknown {
  if (error instanceof UnstorableDataError) return refusedValue(error);
  if (!(error instanceof DatabaseUnavailableError)) return error;
  if (error.fateUnknown) {
    return new TaskFailure(
      { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' },
      'The task store failed while it was storing the task; the task may have been stored.',
      { cause: error },
    );
  }
  return new TaskFailure(
    { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
    'The task store cannot be written at the moment; nothing was stored.',
    { cause: error },
  );
}

/** The failure a caller sees when the database does not read; an error that is none of the database's comes back as it is. */
export function toReadFailure(error: unknown): unknown {
  if (error instanceof UnstorableDataError) return refusedValue(error);
  if (!(error instanceof DatabaseUnavailableError)) return error;
  return new TaskFailure(
    { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
    'The task store cannot be read at the moment.',
    { cause: error },
  );
}

function refusedValue(cause: UnstorableDataError): TaskFailure {
  return new TaskFailure(
    { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    'The database cannot hold a value of this request: it is too long, or has a character such as U+0000; nothing was stored.',
    { cause },
  );
}

/** Whether the database answers, and has our tables. */
export function databaseCheck(database: Database): ReadinessCheck {
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
