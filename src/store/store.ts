import type { TaskService } from '../contract/task-service.ts';
import { type Catalogue, createCatalogue } from './catalogue.ts';
import { type Clients, createClients } from './clients.ts';
import type { ObserveCommits } from './group-commit.ts';
import { type Database, DatabaseUnavailableError, type DatabaseAddress, parseDatabaseAddress } from './sql/database.ts';
import { migrate } from './sql/migrations.ts';
import { createPurge } from './purge.ts';
import { createStoredTaskService } from './stored-task-service.ts';
import { createTokens, type Tokens } from './tokens.ts';

/** The data that this project stores itself. */
export interface Store {
  readonly tasks: TaskService;
  readonly clients: Clients;
  readonly catalogue: Catalogue;
  readonly tokens: Tokens;
  /** Finishes pending writes and closes the database, as does `tasks.close`. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** How many creates may wait for their commit; further ones are OVERLOADED. */
  readonly maxPending?: number;
  /** How long an idempotency key replays its first result; by default a day. */
  readonly keyExpiryMs?: number;
  /** Days that records of an earlier upstream mode are kept; for ever by default. */
  readonly recordDays?: number | null;
  readonly observeCommits?: ObserveCommits;
}

export interface OpenStoreOptions extends StoreOptions {
  readonly databaseUrl: string;
}

const DAY_MS = 86_400_000;

const ADDRESSES = 'sqlite:<path of a file>, sqlite::memory: or postgres://<user>:<password>@<host>/<database>';

/**
 * Opens the database at `sqlite:<path>`, `sqlite::memory:` or `postgres://…` and brings its schema up to date.
 * @throws Error with one line for the operator if the database cannot be used.
 */
export async function openDatabase(databaseUrl: string): Promise<Database> {
  const address = parseDatabaseAddress(databaseUrl);
  if (!address) throw new Error(`The database address must be ${ADDRESSES}.`);
  let database: Database | null = null;
  try {
    database = await connect(address, databaseUrl);
    await migrate(database);
    return database;
  } catch (error) {
    await database?.close();
    const reason = error instanceof DatabaseUnavailableError ? error.reason : (error as Error).message;
    throw new Error(`The database "${address.name}" cannot be opened: ${reason}.`, { cause: error });
  }
}

/** Loads only the adapter that is needed: runtimes without node:sqlite can still serve from PostgreSQL. */
async function connect({ kind, name }: DatabaseAddress, databaseUrl: string): Promise<Database> {
  if (kind === 'sqlite') return (await import('./sql/sqlite.ts')).openSqlite(name);
  return (await import('./sql/postgres.ts')).openPostgres(databaseUrl);
}

/** Opens the database and the store over it. */
export async function openStore({ databaseUrl, ...options }: OpenStoreOptions): Promise<Store> {
  return createStore(await openDatabase(databaseUrl), options);
}

/** Creates the store over a database whose schema is up to date. */
export function createStore(
  database: Database,
  { maxPending = 10_000, keyExpiryMs = DAY_MS, recordDays = null, observeCommits }: StoreOptions = {},
): Store {
  const clients = createClients(database);
  const tasks = createStoredTaskService({ database, clients, maxPending, keyExpiryMs, observeCommits });
  const purge = createPurge({ database, keyExpiryMs, recordDays, observer: observeCommits?.('purge') });
  const close = async (): Promise<void> => {
    await purge.close();
    await tasks.close();
    await database.close();
  };
  return {
    tasks: { ...tasks, close },
    clients,
    catalogue: createCatalogue(database),
    tokens: createTokens(database),
    close,
  };
}
