import { readFileSync, writeFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { type Database, whileOpen } from '../../src/store/sql/database.ts';
import { MIGRATIONS, migrate } from '../../src/store/sql/migrations.ts';
import { openPostgres } from '../../src/store/sql/postgres.ts';
import { type DatabaseKind, emptyDatabase, openTemporary } from './databases.ts';

/** An empty database with the current schema. */
export interface MigratedDatabase {
  readonly database: Database;
  /** The address to open it again. */
  readonly databaseUrl: string;
}

/**
 * Lends an empty database with the current schema for one test, without a migration: a SQLite file is a copy, and
 * PostgreSQL's schemas stay open and are emptied for the next test. A test must not change the schema or its settings.
 */
export function lendDatabase(kind: DatabaseKind): Promise<MigratedDatabase> {
  return kind === 'SQLite' ? copySqlite() : lendPostgres();
}

/** Migrates a database that no other test uses. */
export async function separateDatabase(kind: DatabaseKind): Promise<MigratedDatabase> {
  const databaseUrl = await emptyDatabase(kind);
  const database = await openTemporary(databaseUrl);
  await migrate(database);
  return { database, databaseUrl };
}

let migratedFile: Buffer | null = null;

async function copySqlite(): Promise<MigratedDatabase> {
  migratedFile ??= await readMigratedFile();
  const databaseUrl = await emptyDatabase('SQLite');
  writeFileSync(toPath(databaseUrl), migratedFile);
  return { database: await openTemporary(databaseUrl), databaseUrl };
}

async function readMigratedFile(): Promise<Buffer> {
  const { database, databaseUrl } = await separateDatabase('SQLite');
  await database.close();
  return readFileSync(toPath(databaseUrl));
}

function toPath(databaseUrl: string): string {
  return databaseUrl.slice('sqlite:'.length);
}

/** The schemas of this worker that no test uses. */
const idle: MigratedDatabase[] = [];
/** All tables of the schema, the last one first, because rows refer to rows of earlier tables. */
export const TABLES = MIGRATIONS.flatMap(({ statements }) => statements)
  .flatMap((statement) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement)?.[1] ?? [])
  .toReversed();

async function lendPostgres(): Promise<MigratedDatabase> {
  const lent = idle.pop() ?? (await openSchema());
  const { database, databaseUrl } = lent;
  const { run, close } = whileOpen(() => {});
  onTestFinished(async () => {
    await close();
    await database.transaction(async (transaction) => {
      for (const table of TABLES) await transaction.write(`DELETE FROM ${table}`);
    });
    idle.push(lent);
  });
  return {
    databaseUrl,
    database: {
      ...database,
      read: (sql, parameters) => run(() => database.read(sql, parameters)),
      transaction: (work) => run(() => database.transaction(work)),
      close,
    },
  };
}

async function openSchema(): Promise<MigratedDatabase> {
  const databaseUrl = await emptyDatabase('PostgreSQL');
  const database = await openPostgres(databaseUrl);
  await migrate(database);
  return { database, databaseUrl };
}
