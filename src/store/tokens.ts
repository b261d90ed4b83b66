import { hash, randomBytes } from 'node:crypto';
import { badInput } from '../contract/failure.ts';
import type { AccountCaller } from '../contract/task-service.ts';
import { createBoundedCache } from '../event-loop/bounded-cache.ts';
import { describeTable, readClock, toIso, type Database } from './sql/database.ts';
import { throwReadFailure } from './store-failure.ts';

/** The account that a token identifies, and its client; null if the token belongs to the account itself. */
export type TokenHolder = Omit<AccountCaller, 'kind'>;

export interface IssuedToken {
  /** Opaque: 256 random bits in 43 characters. Only its hash is stored. */
  readonly token: string;
  /** An ISO timestamp, 8 hours ahead. */
  readonly expiresAt: string;
  readonly expiresInSeconds: number;
}

export type Tokens = ReturnType<typeof createTokens>;

type TokenRow = {
  readonly hash: string;
  readonly accountId: string;
  readonly clientId: string | null;
  readonly expiresAt: string;
};

/** A caller whose token was verified recently. */
interface Verified {
  readonly caller: AccountCaller;
  readonly untilMs: number;
}

const CACHED_MS = 60_000;
const CACHE_BOUNDS = { maxEntries: 1_000, maxLength: 100_000 } as const;
/** The contract's lifetime of an access token. */
const LIFE_MS = 8 * 3_600_000;
const TOKENS = describeTable<TokenRow>('tokens', 'hash', 'accountId', 'clientId', 'expiresAt');
const SELECT = `SELECT ${TOKENS.select()}, now_ms() AS "nowMs" FROM tokens WHERE hash = ?1`;

export function createTokens(database: Database) {
  const cache = createBoundedCache<Verified>(CACHE_BOUNDS);
  const read = async (tokenHash: string): Promise<AccountCaller | null> => {
    const [row] = await database
      .read<TokenRow & { readonly nowMs: number }>(SELECT, [tokenHash])
      .catch(throwReadFailure);
    const leftMs = row ? Date.parse(row.expiresAt) - row.nowMs : 0;
    if (!row || leftMs <= 0) return null;
    const caller: AccountCaller = { kind: 'account', accountId: row.accountId, clientId: row.clientId };
    cache.set(tokenHash, { caller, untilMs: performance.now() + Math.min(CACHED_MS, leftMs) });
    return caller;
  };
  return {
    /** Issues a token. @throws TaskFailure BAD_USER_INPUT if the client is not one of the account's, or is revoked. */
    async issue({ accountId, clientId }: TokenHolder): Promise<IssuedToken> {
      const token = randomBytes(32).toString('base64url');
      return database.transaction(async (transaction) => {
        const expiresAt = toIso((await readClock(transaction)) + LIFE_MS);
        const client = 'SELECT id FROM clients WHERE id = ?1 AND account_id = ?2 AND revoked_at IS NULL';
        if (clientId !== null && (await transaction.read(client, [clientId, accountId])).length === 0) {
          throw badInput('clientId', `${clientId} is not a client of this account, or has been revoked`);
        }
        await TOKENS.insert(transaction, [{ hash: hashToken(token), accountId, clientId, expiresAt }]);
        return { token, expiresAt, expiresInSeconds: LIFE_MS / 1000 };
      });
    },
    /**
     * Returns the caller of the token; null if it was never issued or has expired. A cached caller is returned synchronously.
     * A revoked client may stay cached for a minute; each read and create checks for revocation itself.
     */
    verify(token: string): AccountCaller | Promise<AccountCaller | null> {
      const tokenHash = hashToken(token);
      const verified = cache.get(tokenHash);
      return verified && performance.now() < verified.untilMs ? verified.caller : read(tokenHash);
    },
  };
}

function hashToken(token: string): string {
  return hash('sha256', token, 'base64url');
}
