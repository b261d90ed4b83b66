import type { TaskService } from '../contract/task-service.ts';
import { type Catalogue, createCatalogue } from './catalogue.ts';
import { type Clients, createClients } from './clients.ts';
import { type Database, DatabaseUnavailableError } from './database.ts';
import { migrate } from './migrations.ts';
import { openSqlite } from './sqlite.ts';
import { createStoredTaskService } from './task-service.ts';
import { createTokens, type Tokens } from './tokens.ts';

/** Everything this project keeps itself. */
export interface Store {
  readonly tasks: TaskService;
  readonly clients: Clients;
  readonly catalogue: Catalogue;
  readonly tokens: Tokens;
  /** Stores what is under way and lets go of the database; `tasks.close` does the same. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** How many creates may wait for their commit; one more is OVERLOADED. */
  readonly maxPending?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface OpenStoreOptions extends StoreOptions {
  readonly databaseUrl: string;
}

const SQLITE = 'sqlite:';

/**
 * Opens the store at `sqlite:<path>` or `sqlite::memory:` and brings its schema up to date.
 * @throws Error with one line for the person who starts the program, when the database cannot be used.
 */
export async function openStore({ databaseUrl, ...options }: OpenStoreOptions): Promise<Store> {
  const path = databaseUrl.startsWith(SQLITE) ? databaseUrl.slice(SQLITE.length) : '';
  if (path === '') throw new Error('The database address must be sqlite:<path of a file> or sqlite::memory:.');
  let database: Database | null = null;
  try {
    database = openSqlite(path);
    await migrate(database);
    return createStore(database, options);
  } catch (error) {
    await database?.close();
    const reason = error instanceof DatabaseUnavailableError ? error.reason : (error as Error).message;
    throw new Error(`The database "${path}" cannot be opened: ${reason}.`, { cause: error });
  }
}

/** The store over a database whose schema is up to date. */
export function createStore(database: Database, { maxPending = 10_000, now = Date.now }: StoreOptions = {}): Store {
  const tasks = createStoredTaskService({ database, maxPending, now });
  const close = async (): Promise<void> => {
    await tasks.close();
    await database.close();
  };
  return {
    tasks: { ...tasks, close },
    clients: createClients(database, now),
    catalogue: createCatalogue(database),
    tokens: createTokens(database, now),
    close,
  };
}
