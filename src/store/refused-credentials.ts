import { TaskFailure } from '../contract/failure.ts';
import type { CallerIdentity } from './caller-identity.ts';
import type { CommitObserver } from './group-commit.ts';
import { readClock, type Database, type SqlReader, type SqlTransaction } from './sql/database.ts';
import { createRetryQueue } from './idempotency/retry-queue.ts';
import { toReadFailure } from './store-failure.ts';

/** The callers' credentials that the service has refused (401) and not accepted since. */
export interface RefusedCredentials {
  /** Stores a refusal if the caller has records or keys to protect. Never throws. */
  note(owner: CallerIdentity): Promise<void>;
  /** @throws TaskFailure UNAUTHENTICATED, NOT_SENT if the caller's credential is refused. */
  check(owner: CallerIdentity): Promise<void>;
  close(): Promise<void>;
}

export interface RefusedCredentialsOptions {
  readonly database: Database;
  readonly maxPending: number;
  /** Called for each refusal that could not be written at once, and again if it is dropped. */
  readonly onUnwritten: (error: unknown) => void;
  readonly observer?: CommitObserver | undefined;
}

/** A credential that the service accepted. */
export interface Acceptance {
  /** Null if the service does not verify the caller. */
  readonly credential: string | null;
  /** Milliseconds of `performance.now()`. */
  readonly acceptedAtMs: number;
}

const COLUMNS = ['credential', 'refused_at', 'expires_at'];
/** Without this condition, invented credentials would fill the table. */
const HAS_RECORDS_OR_KEYS = `SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM recorded_tasks WHERE scope = ANY (?1))
  OR EXISTS (SELECT 1 FROM idempotency_keys WHERE scope = ANY (?1) AND state <> 'RUNNING')`;

export function createRefusedCredentials(options: RefusedCredentialsOptions): RefusedCredentials {
  const { database, onUnwritten } = options;
  const queue = createRetryQueue<CallerIdentity>({ ...options, write: writeRefusals, onDropped: onUnwritten });
  return {
    note: async (owner) => {
      if (owner.credential) await queue.write(owner).catch(onUnwritten);
    },
    async check({ credential }) {
      if (!credential) return;
      const refused = await readRefused(database, [credential.hash]).catch((error: unknown) => {
        throw toReadFailure(error);
      });
      if (refused.size > 0) throw credentialRefused();
    },
    close: () => queue.close(),
  };
}

/** Returns the credentials that are refused. */
export async function readRefused(reader: SqlReader, credentials: readonly string[]): Promise<ReadonlySet<string>> {
  if (credentials.length === 0) return new Set();
  const rows = await reader.read<{ credential: string }>(
    'SELECT credential FROM refused_credentials WHERE credential = ANY (?1)',
    [credentials],
  );
  return new Set(rows.map(({ credential }) => credential));
}

/** Deletes the refusals that are older than the acceptances, even if those are written late. */
export async function liftRefusals(transaction: SqlTransaction, acceptances: readonly Acceptance[]): Promise<void> {
  const credentials = new Set(acceptances.flatMap(({ credential }) => credential ?? []));
  if (credentials.size === 0) return;
  const oldestMs = Math.min(...acceptances.map(({ acceptedAtMs }) => acceptedAtMs));
  await transaction.write(
    'DELETE FROM refused_credentials WHERE credential = ANY (?1) AND refused_at <= now_ms() - ?2',
    [[...credentials], Math.floor(performance.now() - oldestMs)],
  );
}

export function credentialRefused(): TaskFailure {
  return new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The service refused these credentials. Their tasks can be read and their idempotency keys used again once the service ' +
      'has accepted a create with them.',
  );
}

async function writeRefusals(transaction: SqlTransaction, owners: readonly CallerIdentity[]): Promise<void> {
  const [nowMs, ...owned] = await Promise.all([
    readClock(transaction),
    ...owners.map(({ scopes }) => transaction.read(HAS_RECORDS_OR_KEYS, [scopes])),
  ]);
  const rows = owners.flatMap(({ credential }, index) =>
    credential && owned[index]?.length ? [[credential.hash, nowMs, credential.expiresAtMs]] : [],
  );
  if (rows.length > 0) await transaction.insert('refused_credentials', COLUMNS, rows, { ifAbsent: true });
}
