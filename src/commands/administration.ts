import { parseArgs } from 'node:util';
import { GUID_FORMS, parseGuid } from '../contract/guid.ts';
import type { Store } from '../store/store.ts';

export const ADMINISTRATION_USAGE = `  client create --name NAME [--account GUID]   a new API client; its secret is shown this once
  client list
  client revoke --id GUID                      its secret and tokens end at once, its tasks stay
  catalogue add --id GUID --name NAME          a task that accounts may register
  catalogue list
  token --client GUID | --account GUID         a bearer token, 8 hours; of an account: one without a client`;

/** A command that cannot be understood; the message says what is missing. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Row = Readonly<Record<string, string | null>>;

/**
 * Reads one administration command. What it gives back runs it over a store and says what came of it, as lines for a
 * person or as JSON.
 * @throws UsageError before any store is opened.
 */
export function readCommand(args: readonly string[]): (store: Store) => Promise<string> {
  const { values, positionals } = parse(args);
  const show = (rows: Row | readonly Row[]) => (values.json ? JSON.stringify(rows, null, 2) : toLines(rows));
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
      return async ({ clients }) => show({ ...((await clients.revoke(id)) ?? noClient(id)) });
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
      const findHolder = tokenHolder(values);
      return async (store) => {
        const { token, expiresAt } = await store.tokens.issue(await findHolder(store));
        return values.json ? show({ token, expiresAt }) : token;
      };
    }
    default:
      throw new UsageError(`"${command}" is not a command.`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        account: { type: 'string' },
        client: { type: 'string' },
        id: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function tokenHolder({ client, account }: { client?: string | undefined; account?: string | undefined }) {
  if (client === undefined) {
    const holder = { accountId: guid('account', required('client or --account', account)), clientId: null };
    return async () => holder;
  }
  const clientId = guid('client', client);
  return async ({ clients }: Store) => {
    const known = (await clients.list()).find(({ id }) => id === clientId) ?? noClient(clientId);
    return { accountId: known.accountId, clientId };
  };
}

function noClient(id: string): never {
  throw new UsageError(`There is no client ${id}; see "client list".`);
}

function optionalAccount(account: string | undefined) {
  return account === undefined ? {} : { accountId: guid('account', account) };
}

function required(option: string, value: string | undefined): string {
  if (!value) throw new UsageError(`--${option} is needed.`);
  return value;
}

function guid(option: string, value: string): string {
  const parsed = parseGuid(value);
  if (parsed === null) throw new UsageError(`--${option}: expected ${GUID_FORMS}, not "${value}".`);
  return parsed;
}

function toLines(rows: Row | readonly Row[]): string {
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
