import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { TaskFailure } from '../contract/failure.ts';
import type { SqlReader } from './sql/database.ts';

/** The longest secret the contract lets a client have. */
export const MAX_SECRET_LENGTH = 50;

const COST = { N: 16_384, r: 8, p: 1 } as const;
const KEY_BYTES = 32;
const REVOKED = 'revoked:';

/** A condition of SQL that holds for the clients that were not revoked. */
export const IS_NOT_REVOKED = `(secret_hash NOT LIKE '${REVOKED}%')`;

/** A new client's secret: 256 random bits in 43 characters. */
export function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** `scrypt:<salt>:<key>`, which does not give the secret away. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await deriveKey(secret, salt);
  return ['scrypt', salt.toString('base64url'), key.toString('base64url')].join(':');
}

/** Whether `hash` is this secret's; without a hash it takes as long and is never so. */
export async function matchesSecret(secret: string, hash: string | null): Promise<boolean> {
  const [, salt = '', key = ''] = hash?.split(':') ?? [];
  const actual = await deriveKey(secret, Buffer.from(salt, 'base64url'));
  const expected = Buffer.from(key, 'base64url');
  return expected.length === KEY_BYTES && timingSafeEqual(actual, expected);
}

/** What stands in the place of a revoked client's hash: no secret is its, for older programs neither. */
export function toRevocation(revokedAt: string): string {
  return `${REVOKED}${revokedAt}`;
}

/** When the client of this hash was revoked, a timestamp's text; null: it was not. */
export function readRevocation(secretHash: string): string | null {
  return secretHash.startsWith(REVOKED) ? secretHash.slice(REVOKED.length) : null;
}

function deriveKey(secret: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, COST, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/** A condition of SQL that holds unless the client of this parameter was revoked. */
export function isNotRevoked(parameter: string): string {
  return `NOT EXISTS (SELECT 1 FROM clients WHERE id = ${parameter} AND NOT ${IS_NOT_REVOKED})`;
}

/** @throws TaskFailure when the client was revoked; a caller without a client is none that could be. */
export async function refuseRevoked(reader: SqlReader, clientId: string | null): Promise<void> {
  if (clientId === null) return;
  const sql = 'SELECT secret_hash FROM clients WHERE id = ?1';
  const [client] = await reader.read<{ secret_hash: string }>(sql, [clientId]);
  if (client && readRevocation(client.secret_hash) !== null) throw clientRevoked();
}

/** The failure of what is asked for with a token of a client that was revoked. */
export function clientRevoked(): TaskFailure {
  return new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The client of this bearer token has been revoked.',
  );
}
