import { DatabaseError } from 'pg';
import { DatabaseUnavailableError, UnstorableDataError } from './database.ts';

/** SQLSTATEs and SQLSTATE classes of an unavailable database, with the reason in messages. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['08', 'the connection was lost'],
  ['08P01', "a connection pooler in between refuses it; see the pooler's log"],
  ['25006', 'it is read-only'],
  ['25P03', 'it ended a transaction that was idle for too long'],
  ['28000', 'it refuses this user, or a connection without TLS'],
  ['28P01', 'the user name or the password is wrong'],
  ['3D000', 'there is no such database'],
  ['40001', 'its transactions keep conflicting'],
  ['40003', 'it does not know whether the transaction was committed'],
  ['40P01', 'its transactions keep conflicting'],
  ['42501', 'the user lacks a privilege'],
  ['53', 'it is out of resources'],
  ['53100', 'the disk is full'],
  ['53200', 'there is not enough memory'],
  ['53300', 'it has too many connections'],
  ['55P03', 'a lock could not be acquired'],
  ['57', 'an administrator intervened'],
  ['57014', 'it took too long'],
  ['57P01', 'it was shut down'],
  ['57P02', 'it crashed'],
  ['57P03', 'it is starting or shutting down'],
  ['57P04', 'it was dropped'],
  ['58', 'its operating system reported an error'],
  ['58030', 'the disk failed'],
  ['XX', 'it had an internal error'],
  ['XX001', 'a table is damaged'],
  ['XX002', 'an index is damaged'],
]);

/** Classes of refused values: data exceptions, constraints, program limits. Any other SQLSTATE is a mistake in our SQL. */
const REFUSED_VALUES = /^(?:22|23|54)/;

/** Node's error codes for a server that was not reached. */
const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'the server refuses connections'],
  ['ENOENT', 'there is no such socket'],
  ['ENOTFOUND', 'the name of the server cannot be resolved'],
  ['EAI_AGAIN', 'the name of the server cannot be resolved at the moment'],
  ['EHOSTUNREACH', 'the server cannot be reached'],
  ['ENETUNREACH', 'the server cannot be reached'],
  ['ETIMEDOUT', 'the server does not answer'],
]);

/** Patterns of the driver's messages for a failed connection that has no code. */
const CONNECT_MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/timeout exceeded/, 'every connection to it is busy'],
  [/timeout/, 'the server does not answer'],
  [/SASL|password/, 'the password is missing, or the server expects another authentication method'],
  [/SSL|certificate/i, 'no trusted TLS connection can be made'],
];

/** SQLSTATE classes after which a COMMIT has certainly stored nothing: refused values, conflicts, refusals, no space. */
const ROLLED_BACK = /^(?:22|23|25|40|53|54)/;
const LOST_TRACK = '40003';

/**
 * Codes after which a transaction that was rolled back is run again. Conflicts: the row, table or type that another
 * transaction created first is visible then. A server that stopped before the COMMIT: another connection may work.
 */
const TEMPORARY: ReadonlySet<string> = new Set([
  '40001',
  '40P01',
  '23505',
  '42P07',
  '42710',
  '57P01',
  '57P02',
  'ECONNRESET',
  'EPIPE',
]);
const LOST = /^Connection terminated/;
/** The driver knew that the connection was lost, and sent nothing. */
const UNSENT = /not queryable$/;
const SILENT = 'Query read timeout';

/** The usable facts of an error: the server's SQLSTATE, or Node's code and the driver's message. */
interface Evidence {
  readonly state: string | null;
  readonly code: string;
  readonly message: string;
}

/** Converts an error while connecting. Nothing was sent. */
export function toConnectFailure(error: unknown): DatabaseUnavailableError {
  const { state, code, message } = toEvidence(error);
  const known = CONNECT_MESSAGES.find(([pattern]) => pattern.test(`${code} ${message}`))?.[1];
  const reason = state === null ? (UNREACHABLE.get(code) ?? known) : toReason(state);
  return new DatabaseUnavailableError(reason ?? 'no connection can be made', { cause: error });
}

/** Converts an error of a statement, which has stored nothing. Returns an error of our own unchanged. */
export function toStatementFailure(error: unknown): unknown {
  const { state, message } = toEvidence(error);
  if (state !== null && REFUSED_VALUES.test(state)) return new UnstorableDataError(error);
  const reason = state === null ? toLoss(message) : toReason(state);
  return reason === undefined ? error : new DatabaseUnavailableError(reason, { cause: error });
}

/** Converts an error of COMMIT. The transaction's fate is unknown unless the error shows that it was rolled back. */
export function toPostgresCommitFailure(error: unknown): unknown {
  const { state, message } = toEvidence(error);
  const isRolledBack = state === null ? UNSENT.test(message) : ROLLED_BACK.test(state) && state !== LOST_TRACK;
  if (isRolledBack) return toStatementFailure(error);
  const reason = state === null ? toLoss(message) : (toReason(state) ?? 'it failed');
  return new DatabaseUnavailableError(reason, { cause: error, fateUnknown: true });
}

/** Returns true if the failed transaction was certainly rolled back and may succeed if it runs again at once. */
export function mayRunAgain(failure: unknown): boolean {
  if (failure instanceof DatabaseUnavailableError && failure.fateUnknown) return false;
  const isWrapped = failure instanceof DatabaseUnavailableError || failure instanceof UnstorableDataError;
  const { state, code, message } = toEvidence(isWrapped ? failure.cause : failure);
  return TEMPORARY.has(state ?? code) || LOST.test(message) || UNSENT.test(message);
}

/** Returns true if the connection is unusable. */
export function isConnectionLost(failure: unknown): boolean {
  if (!(failure instanceof DatabaseUnavailableError)) return false;
  const { state } = toEvidence(failure.cause);
  return failure.fateUnknown || state === null || /^(?:08|57P)/.test(state);
}

function toReason(state: string): string | undefined {
  return REASONS.get(state) ?? REASONS.get(state.slice(0, 2));
}

function toLoss(message: string): string {
  return message === SILENT ? 'the server does not answer' : 'the connection was lost';
}

function toEvidence(error: unknown): Evidence {
  if (!(error instanceof Error)) return { state: null, code: '', message: '' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { state: error instanceof DatabaseError ? code : null, code, message: error.message };
}
