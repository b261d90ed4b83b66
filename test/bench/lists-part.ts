import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTimestamp } from '../../src/contract/text-formats.ts';
import { openDatabase, openStore } from '../../src/store/store.ts';
import { createTimeOrderedId } from '../../src/store/account-tasks.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { median, table } from './numbers.ts';
import { startProgram } from './program.ts';
import { cpu, measure, p50, ratio } from './slices.ts';
import { INPUT, toRequest } from './work.ts';

/** `LISTS_TASKS=50000 npm run bench -- lists` is over sooner. */
const TASKS = Number(process.env['LISTS_TASKS'] ?? 1_000_000);
const OTHER_ACCOUNTS = TASKS / 10;
const SMALL = 1_000;
const CHUNK = 20_000;
const START_MS = Date.UTC(2026, 0, 1);
const TASK_IDS = Array.from(
  { length: 100 },
  (_, index) => `${String(index).padStart(8, '0')}-0000-4000-8000-000000000000`,
);

interface Account {
  readonly name: string;
  readonly accountId: string;
  readonly authorization: string;
  readonly tasks: number;
}

/** Pages of an account with many tasks, compared with the same pages of one with a thousand. */
export async function listsPart(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-bench-'));
  const postgres = await startPostgresServer();
  try {
    const sqlite = await compare(`sqlite:${join(folder, 'gateway.db')}`);
    const server = await compare(postgres.url);
    const title = `## Pages of 20 from ${TASKS} tasks of one account, among ${OTHER_ACCOUNTS} accounts`;
    return `${title}\n\n### SQLite\n\n${sqlite}\n\n### PostgreSQL\n\n${server}`;
  } finally {
    await postgres.close();
    rmSync(folder, { recursive: true });
  }
}

async function compare(databaseUrl: string): Promise<string> {
  const [large, small] = await seed(databaseUrl);
  const program = await startProgram({
    name: 'this gateway',
    script: 'src/cli.ts serve',
    env: { DATABASE_URL: databaseUrl },
  });
  try {
    const rows: string[][] = [];
    for (const [what, toArguments, fields] of pages()) {
      const contestants = [large, small].map((account) => ({
        program: { ...program, name: account.name },
        question: listed(account, toArguments(account), fields),
      }));
      const measured = await measure(contestants, { connections: 8, rounds: 5, sliceMs: 200, warmUpRequests: 100 });
      const [one, base] = measured as [(typeof measured)[number], (typeof measured)[number]];
      rows.push([
        what,
        median(one.slices.map(cpu)).toFixed(0),
        ratio(one, base, cpu).toFixed(2),
        ratio(one, base, p50).toFixed(2),
      ]);
    }
    return table(['', 'CPU ms per 1,000', 'CPU / small account', 'p50 / small account'], rows);
  } finally {
    await program.stop();
  }
}

type ToArguments = (account: Account) => string;

function pages(): readonly (readonly [what: string, toArguments: ToArguments, fields?: string])[] {
  const timeOf = (task: number): string => formatTimestamp(START_MS + Math.floor(task));
  const times: ToArguments = ({ tasks }) =>
    `filter: { createdFrom: "${timeOf(tasks / 4)}", createdBefore: "${timeOf(tasks / 2)}" }`;
  const ids = (count: number): string =>
    TASK_IDS.slice(0, count)
      .map((id) => `"${id}"`)
      .join(' ');
  return [
    ['newest', () => 'first: 20'],
    ['from the middle', ({ tasks }) => `first: 20, after: "${cursorOf(tasks / 2)}"`],
    ['oldest, by last', () => 'last: 20'],
    ['creation times', times],
    ['one taskId of a hundred', () => `filter: { taskIds: [${ids(1)}] }`],
    ['ten of them', () => `filter: { taskIds: [${ids(10)}] }`],
    ['newest, with totalCount', () => 'first: 20', 'totalCount'],
    ['a status that no task has', () => 'filter: { statuses: ["none"] }'],
  ];
}

/** A cursor names an ID, which need not exist. */
function cursorOf(task: number): string {
  return Buffer.from(`AccountTask:${createTimeOrderedId(START_MS + Math.floor(task))}`).toString('base64');
}

function listed({ authorization }: Account, args: string, fields = '') {
  const query = `{ accountTasks(${args}) { ${fields} edges { cursor node { id name status dateCreated } } pageInfo { hasNextPage endCursor } } }`;
  const request = toRequest('/graphql', JSON.stringify({ query }), authorization);
  return { request: () => request, isAnswer: (body: Buffer) => body.includes('"edges"') && !body.includes('"errors"') };
}

/** Fills the database: two accounts with a token, and many with one task. */
async function seed(databaseUrl: string): Promise<readonly [Account, Account]> {
  const store = await openStore({ databaseUrl });
  const open = async (name: string, tasks: number): Promise<Account & { readonly clientId: string }> => {
    const { client } = await store.clients.create({ name });
    const { accountId, id: clientId } = client;
    const { token } = await store.tokens.issue({ accountId, clientId });
    return { name, accountId, clientId, authorization: `Bearer ${token}`, tasks };
  };
  const [large, small] = [await open('large', TASKS), await open('small', SMALL)];
  for (const id of TASK_IDS) await store.catalogue.add({ id, name: 'Usage report' });
  await store.close();
  const others = {
    name: 'Usage report',
    enabled: 1,
    frequency: 'DAILY',
    parameters: INPUT.parameters,
    status: 'REGISTERED',
  };
  const more = {
    ...others,
    content_type: 'application/json',
    notification: 'NONE',
    date_modified: '',
    last_modified_by: '',
  };
  const columns = ['account_id', 'client_id', 'id', 'date_created', 'task_id', ...Object.keys(more)];
  const rowOf = (accountId: string, task: number) => [
    accountId,
    large.clientId,
    createTimeOrderedId(START_MS + task),
    formatTimestamp(START_MS + task),
    TASK_IDS[task % TASK_IDS.length] ?? '',
    ...Object.values(more),
  ];
  const database = await openDatabase(databaseUrl);
  const insert = async (tasks: number, toAccountId: (task: number) => string): Promise<void> => {
    for (let from = 0; from < tasks; from += CHUNK) {
      const rows = Array.from({ length: Math.min(CHUNK, tasks - from) }, (_, index) =>
        rowOf(toAccountId(from + index), from + index),
      );
      await database.transaction((transaction) => transaction.insert('account_tasks', columns, rows));
    }
  };
  await insert(TASKS, () => large.accountId);
  await insert(SMALL, () => small.accountId);
  await insert(OTHER_ACCOUNTS, (task) => `other-${task}`);
  await database.transaction((transaction) => transaction.write('ANALYZE'));
  await database.close();
  return [large, small];
}
