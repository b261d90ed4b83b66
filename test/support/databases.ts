import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { inject, onTestFinished } from 'vitest';
import type { Database } from '../../src/store/sql/database.ts';
import { openPostgres } from '../../src/store/sql/postgres.ts';
import { openSqlite } from '../../src/store/sql/sqlite.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The databases that every behaviour of the store is tested on. */
export const DATABASES = ['SQLite', 'PostgreSQL'] as const;
export type DatabaseKind = (typeof DATABASES)[number];

/** The address of an empty database, or (quicker) of an empty schema of PostgreSQL, for one test. */
export async function temporaryDatabase(kind: DatabaseKind): Promise<string> {
  if (kind === 'SQLite') return `sqlite:${join(temporaryFolder(), 'gateway.db')}`;
  const name = uniqueName();
  const { url, pool } = await sharedPostgres();
  await pool.query(`CREATE SCHEMA ${name}`);
  return `${url}?options=${encodeURIComponent(`-c search_path=${name}`)}`;
}

/** Opens a database as it is, without a schema, until the test is over. */
export async function openTemporary(address: string): Promise<Database> {
  const database = address.startsWith('sqlite:')
    ? await openSqlite(address.slice('sqlite:'.length))
    : await openPostgres(address);
  onTestFinished(() => database.close());
  return database;
}

/** The address of a whole PostgreSQL database that is gone when the test is over; `properties` are those of CREATE DATABASE. */
export async function temporaryPostgres(properties = ''): Promise<string> {
  const name = uniqueName();
  const { url, pool } = await sharedPostgres();
  await pool.query(`CREATE DATABASE ${name} ${properties}`);
  onTestFinished(async () => void (await pool.query(`DROP DATABASE ${name} WITH (FORCE)`)));
  return Object.assign(new URL(url), { pathname: name }).href;
}

/** The same database by way of its socket in a folder. */
export async function throughSocket(databaseUrl: string): Promise<string> {
  const [row] = await administer(databaseUrl, "SELECT current_setting('unix_socket_directories') AS folder");
  const { username, password, port, pathname } = new URL(databaseUrl);
  return `postgres://${username}:${password}@${pathname}?host=${String(row?.['folder'])}&port=${port}`;
}

/** Runs one statement as the superuser, over a connection of its own. */
export async function administer(address: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: address });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

interface SharedPostgres {
  readonly url: string;
  /** As its superuser. */
  readonly pool: Pool;
}

let sharing: Promise<SharedPostgres> | null = null;

function sharedPostgres(): Promise<SharedPostgres> {
  sharing ??= askForPostgres();
  return sharing;
}

async function askForPostgres(): Promise<SharedPostgres> {
  const response = await fetch(inject('postgresOffice'));
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return { url: text, pool: new Pool({ connectionString: text, max: 1, allowExitOnIdle: true }) };
}

function uniqueName(): string {
  return `test_${randomUUID().replaceAll('-', '')}`;
}
