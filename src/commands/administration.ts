import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type Environment, readConfig } from '../app/config.ts';
import { GUID_FORMS, parseGuid } from '../contract/guid.ts';
import type { Store } from '../store/store.ts';

export const ADMINISTRATION_USAGE = `Administer the store in DATABASE_URL
  client create --name NAME [--account GUID]
                             creates an API client, in a new account unless one is given; the secret is
                             shown only once
  client list                lists all clients
  client revoke --id GUID    invalidates a client's secret and tokens at once; its tasks stay
  catalogue add --id GUID --name NAME
                             adds a task that accounts may register; GUID is its TaskID
  catalogue list             lists these tasks
  token --client GUID | --account GUID
                             issues a bearer token, valid for 8 hours, for a client or for the
                             account itself`;

/** A command with wrong or missing arguments. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const OPTIONS = {
  name: { type: 'string' },
  account: { type: 'string' },
  client: { type: 'string' },
  id: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

type Row = Readonly<Record<string, string | null>>;

/** Runs one administration command on the store and returns its result. @throws UsageError before the store is opened. */
export async function administer(args: readonly string[], env: Environment): Promise<string> {
  const work = readCommand(args);
  const { openStore } = await import('../store/store.ts');
  const store = await openStore(readConfig(env, 'serve'));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/**
 * Parses one administration command. The returned function runs it on a store and returns the result, as text or JSON.
 * @throws UsageError before any store is opened.
 */
export function readCommand(args: readonly string[]): (store: Store) => Promise<string> {
  const { values, positionals } = parseOptions(args, OPTIONS);
  const show = (rows: Row | readonly Row[]) => toText(rows, values.json);
  const command = positionals.join(' ');
  switch (command) {
    case 'client create': {
      const newClient = { name: required('name', values.name), ...optionalAccount(values.account) };
      return async ({ clients }) => {
        const { client, secret } = await clients.create(newClient);
        return show({ ...client, secret });
      };
    }
    case 'client list':
      return async ({ clients }) => show((await clients.list()).map((client) => ({ ...client })));
    case 'client revoke': {
      const id = guid('id', required('id', values.id));
      return async ({ clients }) => show({ ...((await clients.revoke(id)) ?? throwUnknownClient(id)) });
    }
    case 'catalogue add': {
      const task = { id: guid('id', required('id', values.id)), name: required('name', values.name) };
      return async ({ catalogue }) => {
        await catalogue.add(task);
        return show(task);
      };
    }
    case 'catalogue list':
      return async ({ catalogue }) => show((await catalogue.list()).map((task) => ({ ...task })));
    case 'token': {
      const findHolder = parseTokenHolder(values);
      return async (store) => {
        const { token, expiresAt } = await store.tokens.issue(await findHolder(store));
        return values.json ? show({ token, expiresAt }) : token;
      };
    }
    default:
      throw new UsageError(`"${command}" is not a command.`);
  }
}

/** Parses options and positional arguments. @throws UsageError for unknown or incomplete options. */
export function parseOptions<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    // Node's text also advises on arguments that begin with a hyphen, which no command takes.
    const [message = ''] = (error as Error).message.split('. To specify');
    throw new UsageError(`${message.replace(/\.$/, '')}.`);
  }
}

function parseTokenHolder({ client, account }: { client?: string | undefined; account?: string | undefined }) {
  if (client === undefined) {
    const holder = { accountId: guid('account', required('client or --account', account)), clientId: null };
    return async () => holder;
  }
  const clientId = guid('client', client);
  return async ({ clients }: Store) => {
    const known = (await clients.list()).find(({ id }) => id === clientId) ?? throwUnknownClient(clientId);
    return { accountId: known.accountId, clientId };
  };
}

function throwUnknownClient(id: string): never {
  throw new UsageError(`There is no client ${id}; "client list" shows all of them.`);
}

function optionalAccount(account: string | undefined) {
  return account === undefined ? {} : { accountId: guid('account', account) };
}

/** Returns the value of an option. @throws UsageError if it is missing or empty. */
export function required(option: string, value: string | undefined): string {
  if (!value) throw new UsageError(`--${option} is required.`);
  return value;
}

/** Returns a GUID hyphenated and lower-case. @throws UsageError for any other text. */
export function guid(option: string, value: string): string {
  const parsed = parseGuid(value);
  if (parsed === null) throw new UsageError(`--${option}: expected ${GUID_FORMS}, got "${value}".`);
  return parsed;
}

/** Formats the result of a command, as JSON or with one line for each value. */
export function toText(rows: Row | readonly Row[], isJson: boolean): string {
  if (isJson) return JSON.stringify(rows, null, 2);
  const list = (Array.isArray(rows) ? rows : [rows]) as readonly Row[];
  if (list.length === 0) return 'none';
  return list
    .map((row) =>
      Object.entries(row)
        .map(([name, value]) => `${name}: ${value ?? '-'}`)
        .join('\n'),
    )
    .join('\n\n');
}
