import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, openStore } from '../../src/store/store.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import type { Question } from './load.ts';
import { median, table } from './numbers.ts';
import { type Program, startProgram } from './program.ts';
import { type Contestant, cpu, measure, type Measured, perSecond, ratio } from './slices.ts';
import { INPUT, toGraphqlBody, toRequest, toRestBody } from './work.ts';

const BARE = 'test/bench/programs/bare-store.ts';

/** Durable creates in the store, compared with node:http and the same insert alone. */
export async function storePart(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-bench-'));
  const postgres = await startPostgresServer();
  try {
    const sqlite = await compare((name) => `sqlite:${join(folder, `${name}.db`)}`);
    const server = await compare(() => postgres.url);
    return `## Durable creates, 64 connections\n\n### SQLite\n\n${sqlite}\n\n### PostgreSQL\n\n${server}`;
  } finally {
    await postgres.close();
    rmSync(folder, { recursive: true });
  }
}

async function compare(databaseUrl: (name: string) => string): Promise<string> {
  const programs: Program[] = [];
  /** The clients' Authorization header by database. All programs share the PostgreSQL database. */
  const seeded = new Map<string, string>();
  try {
    const contestants: (Contestant & { readonly url: string })[] = [];
    for (const [name, script, env] of [
      ['node:http, one commit for many', BARE, { COMMITS: 'grouped' }],
      ['node:http, one commit each', BARE, { COMMITS: 'single' }],
      ['this gateway', 'src/cli.ts serve', {}],
    ] as const) {
      const url = databaseUrl(script === BARE ? (env.COMMITS ?? '') : 'gateway');
      const authorization = seeded.get(url) ?? (await seed(url));
      seeded.set(url, authorization);
      const program = await startProgram({ name, script, env: { ...env, DATABASE_URL: url } });
      programs.push(program);
      const request =
        script === BARE ? toRequest('/', toRestBody()) : toRequest('/graphql', toGraphqlBody(), authorization);
      contestants.push({ program, question: created(request), url });
    }
    const counts = new Map<string, number>();
    const measured = await measure(contestants, {
      connections: 64,
      rounds: 15,
      sliceMs: 300,
      warmUpRequests: 40_000,
      check: async (name, requests) => {
        const url = contestants.find(({ program }) => program.name === name)?.url ?? '';
        const rows = await countTasks(url);
        const earlier = counts.get(url) ?? 0;
        counts.set(url, rows);
        if (rows - earlier !== requests) throw new Error(`${name}: ${requests} answers, ${rows - earlier} rows`);
      },
    });
    const [grouped] = measured as readonly [Measured];
    return table(
      ['', 'creates/s', 'CPU / grouped', 'creates/s / grouped'],
      measured.map((one) => [
        one.name,
        median(one.slices.map(perSecond)).toFixed(0),
        ratio(one, grouped, cpu).toFixed(2),
        ratio(one, grouped, perSecond).toFixed(2),
      ]),
    );
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
  }
}

function created(request: Buffer): Question {
  return {
    request: () => request,
    isAnswer: (body) => body.includes('"REGISTERED"') && !body.includes('"errors"'),
  };
}

/** Adds a client and the task of the benchmark; returns the client's Authorization header. */
async function seed(databaseUrl: string): Promise<string> {
  const store = await openStore({ databaseUrl });
  const { client } = await store.clients.create({ name: 'bench' });
  await store.catalogue.add({ id: INPUT.taskId, name: 'Usage report' });
  const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
  await store.close();
  return `Bearer ${token}`;
}

async function countTasks(databaseUrl: string): Promise<number> {
  const database = await openDatabase(databaseUrl);
  const [row] = await database.read<{ readonly count: number }>('SELECT count(*) AS count FROM account_tasks');
  await database.close();
  return row?.count ?? Number.NaN;
}
