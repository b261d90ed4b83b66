import { randomBytes, randomUUID, scrypt, type ScryptOptions, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { badInput, badInputMember, TaskFailure } from '../contract/failure.ts';
import { GUID_FORMS, parseGuid, formatTimestamp } from '../contract/text-formats.ts';
import { BODY_FIELDS } from '../contract/operations.ts';
import { describeTable, readClock, type Database, type SqlReader } from './sql/database.ts';

/** An API client of an account. Tasks can only be created for an account that has a client. */
export type Client = {
  readonly id: string;
  /** The contract's UserID. */
  readonly accountId: string;
  readonly name: string;
  /** A contract timestamp. */
  readonly createdAt: string;
  /** A contract timestamp; null if the client is not revoked. */
  readonly revokedAt: string | null;
};

interface NewClient {
  /** At most 18 characters, as in the contract. */
  readonly name: string;
  /** A GUID; if absent, the client gets a new account. */
  readonly accountId?: string | undefined;
  /** 16 to 50 characters; if null or absent, a secret is made. */
  readonly secret?: string | null;
}

export type Clients = ReturnType<typeof createClients>;

const { maxLength: MAX_NAME_LENGTH } = BODY_FIELDS.Name;
const { maxLength: MAX_SECRET_LENGTH, storeMinLength: MIN_SECRET_LENGTH } = BODY_FIELDS.Secret;
type ClientRow = Client & { readonly secretHash: string };
export const CLIENTS = describeTable<ClientRow>(
  'clients',
  'id',
  'accountId',
  'name',
  'secretHash',
  'createdAt',
  'revokedAt',
);
const SELECT = `SELECT ${CLIENTS.select()} FROM clients`;

export function createClients(database: Database) {
  return {
    /** Creates a client. The secret is shown only here. @throws TaskFailure BAD_USER_INPUT for a value that is not valid. */
    async create({ name, accountId, secret: given = null }: NewClient) {
      if (name.trim() === '' || name.length > MAX_NAME_LENGTH)
        throw badInputMember('name', `expected 1 to ${MAX_NAME_LENGTH} characters, not only blanks, got "${name}"`);
      if (given !== null && (given.length < MIN_SECRET_LENGTH || given.length > MAX_SECRET_LENGTH)) {
        const expected = `expected ${MIN_SECRET_LENGTH} to ${MAX_SECRET_LENGTH} characters`;
        throw badInputMember('secret', `${expected}, got ${given.length}`);
      }
      const account = accountId === undefined ? randomUUID() : parseGuid(accountId);
      if (account === null) throw badInput('accountId', `expected ${GUID_FORMS}, got "${accountId}"`);
      const secret = given ?? randomBytes(SECRET_BYTES).toString('base64url');
      const secretHash = await hashSecret(secret);
      const row = await database.transaction(async (transaction): Promise<ClientRow> => {
        const createdAt = formatTimestamp(await readClock(transaction));
        const created = { id: uuidv7(), accountId: account, name, secretHash, createdAt, revokedAt: null };
        await CLIENTS.insert(transaction, [created]);
        return created;
      });
      return { client: toClient(row), secret };
    },
    /** Returns all clients, oldest first. */
    async list(): Promise<readonly Client[]> {
      const rows = await database.read<ClientRow>(`${SELECT} ORDER BY id`);
      return rows.map(toClient);
    },
    /** Returns the client if the secret is correct, else null. The time taken does not reveal whether the client exists. */
    async verifySecret(clientId: string, secret: string): Promise<Client | null> {
      const id = parseGuid(clientId);
      if (id === null || secret.length > MAX_SECRET_LENGTH) return null;
      const [row] = await database.read<ClientRow>(`${SELECT} WHERE id = ?1`, [id]);
      const isItsSecret = await matchesSecret(secret, row?.secretHash ?? null);
      return row && isItsSecret ? toClient(row) : null;
    },
    /**
     * Revokes a client and its tokens: once this has resolved, no process accepts its secret or tokens. Its tasks stay.
     * Revoking it again changes nothing. Returns null for an unknown client.
     */
    revoke: (clientId: string): Promise<Client | null> =>
      database.transaction(async (transaction) => {
        const id = parseGuid(clientId);
        // No secret matches "revoked:", by which versions before the column know a revoked client.
        await transaction.write(
          "UPDATE clients SET revoked_at = ?2, secret_hash = 'revoked:' WHERE id = ?1 AND revoked_at IS NULL",
          [id, formatTimestamp(await readClock(transaction))],
        );
        // Older versions check only the token, which they may cache for a minute.
        await transaction.write('DELETE FROM tokens WHERE client_id = ?1', [id]);
        const [row] = await transaction.read<ClientRow>(`${SELECT} WHERE id = ?1`, [id]);
        return row ? toClient(row) : null;
      }),
  };
}

function toClient({ id, accountId, name, createdAt, revokedAt }: ClientRow): Client {
  return { id, accountId, name, createdAt, revokedAt };
}

/** In 43 characters. */
const SECRET_BYTES = 32;
const COST = { N: 16_384, r: 8, p: 1 } as const;
const KEY_BYTES = 32;

/** Returns `scrypt:<salt>:<key>`, from which the secret cannot be recovered. */
async function hashSecret(secret: string): Promise<string> {
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
  return promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)(secret, salt, KEY_BYTES, COST);
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
