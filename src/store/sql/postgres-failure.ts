import { DatabaseError } from 'pg';
import { DatabaseUnavailableError, UnstorableDataError } from './database.ts';

/** SQLSTATEs, and classes of them, of a database that is not in order. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['08', 'the connection was lost'],
  ['08P01', 'a connection pooler in between refuses it, and its log says why'],
  ['25006', 'it is read-only'],
  ['25P03', 'it ended a transaction that stood still'],
  ['28000', 'it refuses this user, or a connection without TLS'],
  ['28P01', 'the user name or the password is wrong'],
  ['3D000', 'there is no such database'],
  ['40001', 'other transactions keep getting in the way'],
  ['40003', 'it lost track of the transaction'],
  ['40P01', 'other transactions keep getting in the way'],
  ['42501', 'the user may not do this'],
  ['53', 'it lacks resources'],
  ['53100', 'the disk is full'],
  ['53200', 'there is not enough memory'],
  ['53300', 'it has too many connections'],
  ['55P03', 'a lock could not be had'],
  ['57', 'it was told to stop'],
  ['57014', 'it took too long'],
  ['57P01', 'it was shut down'],
  ['57P02', 'it crashed'],
  ['57P03', 'it is starting or shutting down'],
  ['57P04', 'it was dropped'],
  ['58', 'its system failed'],
  ['58030', 'the disk failed'],
  ['XX', 'it failed inside'],
  ['XX001', 'a table is damaged'],
  ['XX002', 'an index is damaged'],
]);

/** Classes for a value that is refused: data exceptions, constraints, program limits. Any other SQLSTATE is a mistake in our SQL. */
const REFUSED_VALUES = /^(?:22|23|54)/;

/** Codes of Node for a server that was never reached. */
const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'the server refuses connections'],
  ['ENOENT', 'the server has no such socket'],
  ['ENOTFOUND', 'the name of the server is unknown'],
  ['EAI_AGAIN', 'the name of the server cannot be looked up'],
  ['EHOSTUNREACH', 'the server cannot be reached'],
  ['ENETUNREACH', 'the server cannot be reached'],
  ['ETIMEDOUT', 'the server does not answer'],
]);

/** What the driver says, without a code, of a connection that was not made. */
const UNCONNECTED: readonly (readonly [RegExp, string])[] = [
  [/timeout exceeded/, 'every connection to it is busy'],
  [/timeout/, 'the server does not answer'],
  [/SASL|password/, 'the server asks for another kind of password'],
  [/SSL|certificate/i, 'no trusted TLS connection can be made'],
];

/** SQLSTATE classes after which a COMMIT has certainly stored nothing: refused values, conflicts, refusals, no room. */
const ROLLED_BACK = /^(?:22|23|25|40|53|54)/;
const LOST_TRACK = '40003';

/**
 * Conflicts, which are over when the transaction runs again: a row, table or type that another one made first then shows.
 * And a server that was stopped before the COMMIT: what it rolled back may run again on another connection.
 */
const PASSING: ReadonlySet<string> = new Set([
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
/** The driver knew the connection to be lost, and sent nothing. */
const UNSENT = /not queryable$/;
const SILENT = 'Query read timeout';

/** What is known of an error: the server's SQLSTATE, or Node's code and the driver's words. */
interface Evidence {
  readonly state: string | null;
  readonly code: string;
  readonly message: string;
}

/** The failure behind an error while connecting: nothing was sent. */
export function toConnectFailure(error: unknown): DatabaseUnavailableError {
  const { state, code, message } = toEvidence(error);
  const told = UNCONNECTED.find(([pattern]) => pattern.test(`${code} ${message}`))?.[1];
  const reason = state === null ? (UNREACHABLE.get(code) ?? told) : toReason(state);
  return new DatabaseUnavailableError(reason ?? 'no connection can be made', { cause: error });
}

/** The failure behind an error of a statement, which has stored nothing; an error of our own comes back as it is. */
export function toStatementFailure(error: unknown): unknown {
  const { state, message } = toEvidence(error);
  if (state !== null && REFUSED_VALUES.test(state)) return new UnstorableDataError(error);
  const reason = state === null ? toLoss(message) : toReason(state);
  return reason === undefined ? error : new DatabaseUnavailableError(reason, { cause: error });
}

/** The failure behind an error of COMMIT, which leaves the transaction's fate open unless its evidence settles it. */
export function toPostgresCommitFailure(error: unknown): unknown {
  const { state, message } = toEvidence(error);
  const isRolledBack = state === null ? UNSENT.test(message) : ROLLED_BACK.test(state) && state !== LOST_TRACK;
  if (isRolledBack) return toStatementFailure(error);
  const reason = state === null ? toLoss(message) : (toReason(state) ?? 'it failed');
  return new DatabaseUnavailableError(reason, { cause: error, fateUnknown: true });
}

/** True when the transaction that failed so is surely rolled back, and may succeed when it runs again at once. */
export function mayRunAgain(failure: unknown): boolean {
  if (failure instanceof DatabaseUnavailableError && failure.fateUnknown) return false;
  const isWrapped = failure instanceof DatabaseUnavailableError || failure instanceof UnstorableDataError;
  const { state, code, message } = toEvidence(isWrapped ? failure.cause : failure);
  return PASSING.has(state ?? code) || LOST.test(message) || UNSENT.test(message);
}

/** True when the connection is of no more use. */
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
