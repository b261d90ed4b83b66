import type { Config } from '../app/config.ts';
import { TaskFailure } from '../contract/failure.ts';
import { type AttemptName, listAttempts, settleAttempt } from '../store/idempotency/settling.ts';
import type { Database } from '../store/sql/database.ts';
import { type DatabaseCommand, guid, required, UsageError } from './arguments.ts';

const MAX_NAME_LENGTH = 100;
const PRINTABLE = /^\P{Cc}+$/u;

/** The commands that settle writes of unknown fate. */
export const CREATES: Readonly<Record<string, DatabaseCommand>> = {
  'creates list': {
    options: ['unknown'],
    checkConfig: refuseWithoutRecords,
    prepare:
      ({ unknown = false }) =>
      async (database, config) => {
        await refuseWithoutAttempts(database, config);
        return listAttempts(database, unknown);
      },
  },
  'creates settle': {
    options: ['id', 'request', 'created', 'not-created', 'by'],
    checkConfig: refuseWithoutRecords,
    prepare({ id, request, created, 'not-created': isNotCreated = false, by }) {
      const name = readName(id, request);
      const verdict = { createdId: readCreatedId(created, isNotCreated), by: readOperator(by) };
      return async (database, config) => {
        await refuseWithoutAttempts(database, config);
        return settleAttempt(database, name, verdict);
      };
    },
  },
};

function readName(id: string | undefined, requestId: string | undefined): AttemptName {
  if (id !== undefined && requestId !== undefined) throw new UsageError('Give --id or --request, not both.');
  return requestId === undefined ? { id: guid('id', required('id or --request', id)) } : { requestId };
}

function readCreatedId(created: string | undefined, isNotCreated: boolean): string | null {
  if (created !== undefined && isNotCreated) throw new UsageError('Give --created or --not-created, not both.');
  return isNotCreated ? null : guid('created', required('created GUID or --not-created', created));
}

function readOperator(by: string | undefined): string {
  const name = required('by', by?.trim());
  if (name.length <= MAX_NAME_LENGTH && PRINTABLE.test(name)) return name;
  throw new UsageError(`--by: expected 1 to ${MAX_NAME_LENGTH} characters without control characters.`);
}

function refuseWithoutRecords({ upstream }: Config): void {
  if (upstream?.isRecorded === false)
    throw notSupported(
      'This gateway keeps no records (RECORD=off), so it knows no creates of unknown fate. Search its log for outcome UNKNOWN.',
    );
}

/** A store has creates to settle only in the demo, from its faults. */
async function refuseWithoutAttempts(database: Database, { upstream }: Config): Promise<void> {
  if (upstream || (await listAttempts(database, false)).length > 0) return;
  throw notSupported(
    'UPSTREAM_URL is not set: in store mode there is nothing to settle. After STORE_FAILED, look with the query ' +
      'writeOutcome(idempotencyKey), or send the create again with the same key: it finds the task or creates it.',
  );
}

function notSupported(reason: string): TaskFailure {
  return new TaskFailure({ code: 'NOT_SUPPORTED', outcome: 'NOT_SENT' }, `NOT_SUPPORTED: ${reason}`);
}
