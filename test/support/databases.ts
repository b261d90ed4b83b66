import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { inject, onTestFinished } from 'vitest';
import type { Database } from '../../src/store/sql/database.ts';
import { openPostgres } from '../../src/store/sql/postgres.ts';
import { openSqlite } from '../../src/store/sql/sqlite.ts';
import { databaseFolder } from './temporary-folder.ts';

/** The databases on which the store's behaviour is tested. */
export const DATABASES = ['SQLite', 'PostgreSQL'] as const;
export type DatabaseKind = (typeof DATABASES)[number];

/** Returns the address of an empty SQLite file, or of an empty schema in the shared PostgreSQL, for one test. */
export async function emptyDatabase(kind: DatabaseKind): Promise<string> {
  if (kind === 'SQLite') return `sqlite:${join(databaseFolder(), 'gateway.db')}`;
  const name = uniqueName();
  const { url, pool } = await sharedPostgres();
  await pool.query(`CREATE SCHEMA ${name}`);
  return `${url}?options=${encodeURIComponent(`-c search_path=${name}`)}`;
}

/** Opens a database without migrating it, and closes it after the test. */
export async function openTemporary(address: string): Promise<Database> {
  const database = address.startsWith('sqlite:')
    ? await openSqlite(address.slice('sqlite:'.length))
    : await openPostgres(address);
  onTestFinished(() => database.close());
  return database;
}

/** Creates a PostgreSQL database and drops it after the test. `properties` are options of CREATE DATABASE. */
export async function temporaryPostgres(properties = ''): Promise<string> {
  const name = uniqueName();
  const { url, pool } = await sharedPostgres();
  await pool.query(`CREATE DATABASE ${name} ${properties}`);
  onTestFinished(async () => void (await pool.query(`DROP DATABASE ${name} WITH (FORCE)`)));
  return Object.assign(new URL(url), { pathname: name }).href;
}

/** Returns the address of the same database through its Unix socket. */
export async function throughSocket(databaseUrl: string): Promise<string> {
  const [row] = await administer(databaseUrl, "SELECT current_setting('unix_socket_directories') AS folder");
  const { username, password, port, pathname } = new URL(databaseUrl);
  return `postgres://${username}:${password}@${pathname}?host=${String(row?.['folder'])}&port=${port}`;
}

/** Runs one statement as the superuser, over a new connection. */
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
  /** Connected as the superuser. */
  readonly pool: Pool;
}

let sharing: Promise<SharedPostgres> | null = null;

function sharedPostgres(): Promise<SharedPostgres> {
  sharing ??= requestPostgres();
  return sharing;
}

async function requestPostgres(): Promise<SharedPostgres> {
  const response = await fetch(inject('postgresAddressUrl'));
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return { url: text, pool: new Pool({ connectionString: text, max: 1, allowExitOnIdle: true }) };
}

function uniqueName(): string {
  return `test_${randomUUID().replaceAll('-', '')}`;
}
