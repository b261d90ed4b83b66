import type { Config } from '../app/config.ts';
import { existsSync } from 'node:fs';
import { badInput, TaskFailure } from '../contract/failure.ts';
import { type Database, parseDatabaseAddress } from '../store/sql/database.ts';
import type { AttemptName } from '../store/idempotency/settling.ts';
import { guid, parseOptions, required, toText, UsageError } from './administration.ts';

export const CREATES_USAGE = `Settle creates whose outcome is UNKNOWN, in upstream mode
  creates list [--unknown]   lists the creates that are in progress, unknown or settled by hand; with
                             --unknown those that wait to be settled
  creates settle (--id ID | --request ID) (--created GUID | --not-created) --by NAME
                             records what became of a create: its key then replays the account task GUID,
                             or is free again. --id is the id that the list shows; --request is a
                             requestId with a single create to settle; NAME is yours`;

const OPTIONS = {
  unknown: { type: 'boolean', default: false },
  id: { type: 'string' },
  request: { type: 'string' },
  created: { type: 'string' },
  'not-created': { type: 'boolean', default: false },
  by: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const MAX_NAME_LENGTH = 100;
const PRINTABLE = /^\P{Cc}+$/u;

/**
 * Runs `creates list` or `creates settle` on the database of the configuration and returns the result, as text or JSON.
 * @throws UsageError before the database is opened; TaskFailure NOT_SUPPORTED if there can be nothing to settle.
 */
export async function runCreates(args: readonly string[], config: Config): Promise<string> {
  const work = readCommand(args);
  if (config.upstream?.isRecorded === false)
    throw notSupported(
      'This gateway keeps no records (RECORD=off), so it knows no creates of unknown fate. Search its log for outcome UNKNOWN.',
    );
  refuseMissingFile(config);
  const { openDatabase } = await import('../store/store.ts');
  const database = await openDatabase(config.databaseUrl);
  try {
    if (!config.upstream) await refuseWithoutAttempts(database);
    return await work(database);
  } finally {
    await database.close();
  }
}

/** A wrong path would otherwise become a new database in which there is nothing to settle. */
function refuseMissingFile({ databaseUrl }: Config): void {
  const address = parseDatabaseAddress(databaseUrl);
  if (address?.kind === 'sqlite' && !existsSync(address.name))
    throw badInput('DATABASE_URL', `there is no file ${address.name}; name the database of the gateway`);
}

function readCommand(args: readonly string[]): (database: Database) => Promise<string> {
  const { values, positionals } = parseOptions(args, OPTIONS);
  const command = positionals.join(' ');
  if (command === 'creates list') {
    const others = Object.entries(values).filter(([name, value]) => value && name !== 'unknown' && name !== 'json');
    if (others.length > 0) throw new UsageError(`"creates list" takes no --${others[0]?.[0]}.`);
    return async (database) => {
      const { listAttempts } = await import('../store/idempotency/settling.ts');
      return toText(await listAttempts(database, values.unknown), values.json);
    };
  }
  if (command !== 'creates settle') throw new UsageError(`"${command}" is not a command.`);
  const name = readName(values.id, values.request);
  const verdict = { createdId: readCreatedId(values.created, values['not-created']), by: readOperator(values.by) };
  return async (database) => {
    const { settleAttempt } = await import('../store/idempotency/settling.ts');
    return toText({ ...(await settleAttempt(database, name, verdict)) }, values.json);
  };
}

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

/** A store has creates to settle only in the demo, from its faults. */
async function refuseWithoutAttempts(database: Database): Promise<void> {
  const { listAttempts } = await import('../store/idempotency/settling.ts');
  if ((await listAttempts(database, false)).length > 0) return;
  throw notSupported(
    'UPSTREAM_URL is not set: in store mode there is nothing to settle. After STORE_FAILED, look with the query ' +
      'writeOutcome(idempotencyKey), or send the create again with the same key: it finds the task or creates it.',
  );
}

function notSupported(reason: string): TaskFailure {
  return new TaskFailure({ code: 'NOT_SUPPORTED', outcome: 'NOT_SENT' }, `NOT_SUPPORTED: ${reason}`);
}
