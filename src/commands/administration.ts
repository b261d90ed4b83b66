import { existsSync } from 'node:fs';
import { type Environment, readConfig } from '../app/config.ts';
import { badInput } from '../contract/failure.ts';
import { createCatalogue } from '../store/catalogue.ts';
import { createClients } from '../store/clients.ts';
import { type Database, parseDatabaseAddress } from '../store/sql/database.ts';
import { openDatabase } from '../store/store.ts';
import { createTokens } from '../store/tokens.ts';
import {
  type CommandResult,
  DATABASE_OPTIONS,
  type DatabaseCommand,
  guid,
  parseOptions,
  required,
  UsageError,
} from './arguments.ts';
import { CREATES } from './creates.ts';

const COMMANDS: Readonly<Record<string, DatabaseCommand>> = {
  ...CREATES,
  'client create': {
    options: ['name', 'account'],
    mayCreateFile: true,
    prepare({ name, account }) {
      const accountId = account === undefined ? undefined : guid('account', account);
      const newClient = { name: required('name', name), accountId };
      return async (database) => {
        const { client, secret } = await createClients(database).create(newClient);
        return { ...client, secret };
      };
    },
  },
  'client list': { options: [], prepare: () => (database) => createClients(database).list() },
  'client revoke': {
    options: ['id'],
    prepare({ id }) {
      const clientId = guid('id', required('id', id));
      return async (database) => (await createClients(database).revoke(clientId)) ?? throwUnknownClient(clientId);
    },
  },
  'catalogue add': {
    options: ['id', 'name'],
    mayCreateFile: true,
    prepare({ id, name }) {
      const task = { id: guid('id', required('id', id)), name: required('name', name) };
      return (database) => createCatalogue(database).add(task);
    },
  },
  'catalogue list': { options: [], prepare: () => (database) => createCatalogue(database).list() },
  token: {
    options: ['client', 'account'],
    shows: 'token',
    prepare({ client, account }) {
      if (client !== undefined && account !== undefined) throw new UsageError('Give --client or --account, not both.');
      const clientId = client === undefined ? null : guid('client', client);
      const accountId = clientId ?? guid('account', required('client or --account', account));
      return async (database) => {
        const holder = clientId === null ? { accountId, clientId } : await findClient(database, clientId);
        const { token, expiresAt } = await createTokens(database).issue(holder);
        return { token, expiresAt };
      };
    },
  },
};

/** Runs a command on the database and yields the result, as text or JSON. @throws UsageError before it is opened. */
export async function* administer(args: readonly string[], env: Environment): AsyncGenerator<string> {
  const { command, work, isJson } = readCommand(args);
  const config = readConfig(env, 'serve');
  command.checkConfig?.(config);
  const address = parseDatabaseAddress(config.databaseUrl);
  // A wrong path would otherwise become a new database without the data.
  if (!command.mayCreateFile && address?.kind === 'sqlite' && !existsSync(address.name))
    throw badInput(
      'DATABASE_URL',
      `there is no file ${address.name}; set it to the database of the gateway, or start the gateway once to create it`,
    );
  const database = await openDatabase(config.databaseUrl);
  try {
    yield* format(await work(database, config), isJson, command.shows);
  } finally {
    await database.close();
  }
}

/** Reads the name of a command and its options. @throws UsageError. */
export function readCommand(args: readonly string[]) {
  const { values, positionals } = parseOptions(args, DATABASE_OPTIONS);
  const name = positionals.join(' ');
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    const known = Object.keys(COMMANDS).filter((other) => other.startsWith(`${positionals[0]} `));
    throw new UsageError(`"${name}" is not a command${known.length > 0 ? `; there are: ${known.join(', ')}` : ''}.`);
  }
  const other = (Object.keys(values) as (keyof typeof values)[]).find(
    (key) => !['json', ...command.options].includes(key),
  );
  if (other) throw new UsageError(`"${name}" takes no --${other}.`);
  return { command, work: command.prepare(values), isJson: values.json === true };
}

/** Formats a result row by row, so that a long list needs no memory: as JSON, or as text with one line for each value. */
async function* format(result: CommandResult, isJson: boolean, only?: string): AsyncGenerator<string> {
  const isStream = Symbol.asyncIterator in result;
  const isJsonList = isJson && (isStream || Array.isArray(result));
  let isFirst = true;
  for await (const row of isStream ? result : [result].flat()) {
    if (isJsonList) yield `${isFirst ? '[' : ','}\n${JSON.stringify(row, null, 2).replace(/^/gm, '  ')}`;
    else if (isJson) yield JSON.stringify(row, null, 2);
    else yield `${isFirst ? '' : '\n\n'}${toText(row, only)}`;
    isFirst = false;
  }
  if (isFirst) yield isJson ? '[]' : 'none';
  else if (isJsonList) yield '\n]';
  yield '\n';
}

function toText(row: object, only?: string): string {
  const entries = Object.entries(row) as [string, string | null][];
  const shown = entries.find(([name]) => name === only);
  return shown ? String(shown[1]) : entries.map(([name, value]) => `${name}: ${value ?? '-'}`).join('\n');
}

async function findClient(database: Database, clientId: string) {
  const known = (await createClients(database).list()).find(({ id }) => id === clientId);
  const { accountId, revokedAt } = known ?? throwUnknownClient(clientId);
  if (revokedAt === null) return { accountId, clientId };
  throw new Error(`Client ${clientId} was revoked at ${revokedAt}; "client create" creates another one.`);
}

function throwUnknownClient(id: string): never {
  throw new Error(`There is no client ${id}; "client list" shows all of them.`);
}
