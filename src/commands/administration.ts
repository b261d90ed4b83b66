import { existsSync } from 'node:fs';
import { type Config, type Environment, readConfig } from '../app/config.ts';
import { badInput, TaskFailure } from '../contract/failure.ts';
import { createCatalogue } from '../store/catalogue.ts';
import { createClients } from '../store/clients.ts';
import { listAttempts } from '../store/idempotency/attempt-rows.ts';
import { type AttemptName, settleAttempt } from '../store/idempotency/settling.ts';
import { type Database, parseDatabaseAddress } from '../store/sql/database.ts';
import { openDatabase } from '../store/store.ts';
import { createTokens } from '../store/tokens.ts';
import { guid, parseOptions, required, UsageError } from './arguments.ts';

/** The options of all commands on the database. */
const OPTIONS = {
  name: { type: 'string' },
  account: { type: 'string' },
  client: { type: 'string' },
  id: { type: 'string' },
  unknown: { type: 'boolean' },
  request: { type: 'string' },
  created: { type: 'string' },
  'not-created': { type: 'boolean' },
  ran: { type: 'boolean' },
  'not-ran': { type: 'boolean' },
  by: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** A command on the database of the configuration. */
interface Command {
  /** The options that it takes, besides --json. */
  readonly options: readonly (keyof typeof OPTIONS)[];
  /** True if it may create the SQLite file; otherwise it works on existing data. */
  readonly mayCreateFile?: boolean;
  /** The only value of the result that is printed as text; without it, all are. */
  readonly shows?: string;
  /** True if it works on creates and runs of unknown fate, which not every configuration has. */
  readonly settles?: boolean;
  /** Checks the options. @throws UsageError. The returned function does the work and returns the result. */
  readonly prepare: (
    options: ReturnType<typeof parseOptions<typeof OPTIONS>>['values'],
  ) => (database: Database) => Promise<CommandResult>;
}

/** One value or a list, which may be read as it is printed. */
type CommandResult = object | readonly object[] | AsyncIterable<object>;

const VERDICTS = ['created', 'not-created', 'ran', 'not-ran'] as const;
const MAX_NAME_LENGTH = 100;
const PRINTABLE = /^\P{Cc}+$/u;

const COMMANDS: Readonly<Record<string, Command>> = {
  'creates list': {
    options: ['unknown'],
    settles: true,
    prepare:
      ({ unknown = false }) =>
      async (database) =>
        listAttempts(database, unknown),
  },
  'creates settle': {
    options: ['id', 'request', ...VERDICTS, 'by'],
    settles: true,
    prepare({ id, request, by, ...verdicts }) {
      const name = readName(id, request);
      const verdict = { ...readVerdict(verdicts), by: readOperator(by) };
      return (database) => settleAttempt(database, name, verdict);
    },
  },
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
  if (command.settles) refuseWithoutRecords(config);
  const address = parseDatabaseAddress(config.databaseUrl);
  // A wrong path would otherwise become a new database without the data.
  if (!command.mayCreateFile && address?.kind === 'sqlite' && !existsSync(address.name))
    throw badInput(
      'DATABASE_URL',
      `there is no file ${address.name}; set it to the database of the gateway, or start the gateway once to create it`,
    );
  const database = await openDatabase(config.databaseUrl);
  try {
    if (command.settles) await refuseWithoutAttempts(database, config);
    yield* format(await work(database), isJson, command.shows);
  } finally {
    await database.close();
  }
}

/** Reads the name of a command and its options. @throws UsageError. */
export function readCommand(args: readonly string[]) {
  const { values, positionals } = parseOptions(args, OPTIONS);
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

function readName(id: string | undefined, requestId: string | undefined): AttemptName {
  if (id !== undefined && requestId !== undefined) throw new UsageError('Give --id or --request, not both.');
  return requestId === undefined ? { id: guid('id', required('id or --request', id)) } : { requestId };
}

function readVerdict(
  values: {
    readonly [Name in (typeof VERDICTS)[number]]?: string | boolean | undefined;
  },
): { readonly createdId: string | null } | { readonly hasRun: boolean } {
  const [given, ...others] = VERDICTS.filter((name) => values[name] !== undefined);
  if (given === undefined) throw new UsageError('--created GUID, --not-created, --ran or --not-ran is required.');
  if (others.length > 0) throw new UsageError(`Give --${given} or --${others[0]}, not both.`);
  if (given === 'ran' || given === 'not-ran') return { hasRun: given === 'ran' };
  return { createdId: given === 'created' ? guid('created', String(values.created)) : null };
}

function readOperator(by: string | undefined): string {
  const name = required('by', by?.trim());
  if (name.length <= MAX_NAME_LENGTH && PRINTABLE.test(name)) return name;
  throw new UsageError(`--by: expected 1 to ${MAX_NAME_LENGTH} characters without control characters.`);
}

function refuseWithoutRecords({ upstream }: Config): void {
  if (upstream?.isRecorded === false)
    throw notSupported(
      'This gateway keeps no records (RECORD=off), so it knows no creates of unknown fate. Search its log for outcome UNKNOWN.',
    );
}

/** A store has creates to settle only in the demo, from its faults. */
async function refuseWithoutAttempts(database: Database, { upstream }: Config): Promise<void> {
  if (upstream || !(await listAttempts(database, false).next()).done) return;
  throw notSupported(
    'UPSTREAM_URL is not set: in store mode there is nothing to settle. After STORE_FAILED, look with the query ' +
      'writeOutcome(idempotencyKey), or send the create again with the same key: it finds the task or creates it.',
  );
}

function notSupported(reason: string): TaskFailure {
  return new TaskFailure('NOT_SUPPORTED', `NOT_SUPPORTED: ${reason}`);
}
