import type { Config } from '../app/config.ts';
import { TaskFailure } from '../contract/failure.ts';
import { listAttempts } from '../store/idempotency/attempt-rows.ts';
import { type AttemptName, settleAttempt } from '../store/idempotency/settling.ts';
import type { Database } from '../store/sql/database.ts';
import { type DatabaseCommand, guid, required, UsageError } from './arguments.ts';

const VERDICTS = ['created', 'not-created', 'ran', 'not-ran'] as const;
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
    options: ['id', 'request', ...VERDICTS, 'by'],
    checkConfig: refuseWithoutRecords,
    prepare({ id, request, by, ...verdicts }) {
      const name = readName(id, request);
      const verdict = { ...readVerdict(verdicts), by: readOperator(by) };
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

function readVerdict(
  values: {
    readonly [Name in (typeof VERDICTS)[number]]?: string | boolean | undefined;
  },
): { readonly createdId: string | null } | { readonly hasRun: boolean } {
  const [given, ...others] = VERDICTS.filter((name) => values[name] !== undefined);
  if (given === undefined) throw new UsageError('--created GUID, --not-created, --ran or --not-ran is required.');
  if (others.length > 0) throw new UsageError(`Give --${given} or --${others[0]}, not both.`);
  if (given === 'ran' || given === 'not-ran') return { hasRun: given === 'ran' };
  return { createdId: given === 'created' ? guid('created', String(values.created)) : null };
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
  if (upstream || !(await listAttempts(database, false).next()).done) return;
  throw notSupported(
    'UPSTREAM_URL is not set: in store mode there is nothing to settle. After STORE_FAILED, look with the query ' +
      'writeOutcome(idempotencyKey), or send the create again with the same key: it finds the task or creates it.',
  );
}

function notSupported(reason: string): TaskFailure {
  return new TaskFailure('NOT_SUPPORTED', `NOT_SUPPORTED: ${reason}`);
}
