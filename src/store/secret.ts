import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { TaskFailure } from '../contract/failure.ts';
import type { SqlReader } from './sql/database.ts';

const COST = { N: 16_384, r: 8, p: 1 } as const;
const KEY_BYTES = 32;

/** Creates a client's secret: 256 random bits in 43 characters. */
export function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Returns `scrypt:<salt>:<key>`, from which the secret cannot be recovered. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await deriveKey(secret, salt);
  return ['scrypt', salt.toString('base64url'), key.toString('base64url')].join(':');
}

/** Returns true if the hash is that of the secret. Without a hash it takes as long and returns false. */
export async function matchesSecret(secret: string, hash: string | null): Promise<boolean> {
  const [, salt = '', key = ''] = hash?.split(':') ?? [];
  const actual = await deriveKey(secret, Buffer.from(salt, 'base64url'));
  const expected = Buffer.from(key, 'base64url');
  return expected.length === KEY_BYTES && timingSafeEqual(actual, expected);
}

function deriveKey(secret: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, COST, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/** Returns an SQL condition that is true unless the client with this ID is revoked. */
export function isNotRevoked(parameter: string): string {
  return `NOT EXISTS (SELECT 1 FROM clients WHERE id = ${parameter} AND revoked_at IS NOT NULL)`;
}

/** @throws TaskFailure if the client is revoked. A null client cannot be. */
export async function refuseRevoked(reader: SqlReader, clientId: string | null): Promise<void> {
  if (clientId === null) return;
  const sql = 'SELECT id FROM clients WHERE id = ?1 AND revoked_at IS NOT NULL';
  if ((await reader.read(sql, [clientId])).length > 0) throw clientRevoked();
}

/** The failure of a request with a token of a revoked client. */
export function clientRevoked(): TaskFailure {
  return new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The client of this bearer token has been revoked.',
  );
}
