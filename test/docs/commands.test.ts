import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { examineSqlite } from '../../src/commands/doctor/database-examination.ts';
import { openStore } from '../../src/store/store.ts';
import { startStoreGateway } from '../support/running-gateway.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { blocksOf, commandsBelow, PAGES, ROOT } from './markdown.ts';

/** npm takes seconds to start on a busy machine. */
const PATIENCE = { timeout: 180_000 };

const run = promisify(execFile);
const demo = await startStoreGateway();
afterAll(() => demo.close());

/** The blocks of commands that the tests below run, by page and mark. */
const FOLLOWED = [
  'docs/federation.md: demo: sdl',
  'docs/graphiql.md: demo: list',
  'docs/operations.md: sqlite: backup',
  'docs/operations.md: sqlite: restore',
  'docs/operations.md: store: administration',
  'docs/rest-contract.md: demo: rest',
];

test('every block of commands in docs/ and the README is followed, or says why it is not', () => {
  const pages = PAGES.filter((path) => path.startsWith('docs/') || path === 'README.md');
  const marks = pages.flatMap((path) =>
    blocksOf(path).flatMap(({ language, mark }) =>
      language === 'sh' && !/^not run: ./.test(mark ?? '') ? [`${path}: ${mark}`] : [],
    ),
  );
  expect(marks.toSorted()).toEqual(FOLLOWED);
});

/** Runs the commands of the operations page in a folder, as a person does who follows it. */
function follow(mark: string, cwd: string): string {
  const commands = commandsBelow('docs/operations.md', mark);
  return execFileSync('sh', ['-e', '-c', commands], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

test(
  'the operations page backs a SQLite database up while it is in use, and restores it over a damaged one',
  PATIENCE,
  async () => {
    const folder = temporaryFolder();
    // `npx` finds this project's Node.
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(join(folder, 'data'));
    const path = join(folder, 'data', 'gateway.db');
    const inUse = await openStore({ databaseUrl: `sqlite:${path}` });
    const { client } = await inUse.clients.create({ name: 'before' });
    // The client is in the log alone: a plain copy of the file would lack it.
    expect(existsSync(`${path}-wal`)).toBe(true);

    expect(follow('sqlite: backup', folder)).toMatch(/integrity_check: 'ok'/);
    await inUse.clients.create({ name: 'after' });
    await inUse.close();
    writeFileSync(path, 'damaged');
    writeFileSync(`${path}-wal`, 'of another life');

    follow('sqlite: restore', folder);
    expect((await examineSqlite(path, false)).map(({ state }) => state)).not.toContain('broken');
    const restored = await openStore({ databaseUrl: `sqlite:${path}` });
    expect((await restored.clients.list()).map(({ id }) => id)).toEqual([client.id]);
    await restored.close();
  },
);

test('the operations page administers clients, the catalogue and tokens', PATIENCE, async () => {
  const DATABASE_URL = `sqlite:${join(temporaryFolder(), 'gateway.db')}`;
  const commands = commandsBelow('docs/operations.md', 'store: administration').trim().split('\n');
  const outputs: string[] = [];
  for (const command of commands) {
    const [id = ''] = /(?<=^id: ).+/m.exec(outputs.join('\n')) ?? [];
    const { stdout } = await run('sh', ['-c', command.replace('npm run', 'npm run --silent').replace('<id>', id)], {
      cwd: ROOT,
      env: { ...process.env, DATABASE_URL },
    });
    outputs.push(stdout);
  }
  expect(outputs).toEqual([
    expect.stringMatching(/^secret: \S+$/m),
    expect.stringContaining('name: Usage report'),
    expect.stringMatching(/^\S{43}$/m),
    expect.stringMatching(/^revokedAt: 2\S+$/m),
  ]);
});

/** Runs the commands of a page against a demo of the test's own; each command answers with one line of JSON. */
async function followInDemo(path: string, mark: string): Promise<readonly unknown[]> {
  const commands = commandsBelow(path, mark)
    .replaceAll('http://127.0.0.1:4000/', demo.url.href)
    .replaceAll('<token>', demo.token)
    .replaceAll('curl -s', "curl -s --noproxy '*' -w '\\n'");
  const { stdout } = await run('sh', ['-e', '-c', commands]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

test('the GraphiQL page lists tasks with curl', async () => {
  const edges = expect.any(Array) as unknown;
  expect(await followInDemo('docs/graphiql.md', 'demo: list')).toEqual([{ data: { accountTasks: { edges } } }]);
});

test('the federation page gets the SDL of the running gateway', async () => {
  const sdl = expect.stringContaining('federation/v2.9') as unknown;
  expect(await followInDemo('docs/federation.md', 'demo: sdl')).toEqual([{ data: { _service: { sdl } } }]);
});

test('the page of the REST contract creates a task in JSON, in XML and from a form', async () => {
  const answers = await followInDemo('docs/rest-contract.md', 'demo: rest');
  expect(answers).toMatchObject(
    ['{}', '<a/>', '{"a": 1}'].map((Parameters) => ({ Error: null, ResponseData: { Detail: { Parameters } } })),
  );
});

/** An answer as text, without the ID that is another each time. */
function withoutId(answer: object): string {
  return JSON.stringify(answer).replace(/"id":"[0-9a-f-]{36}"/, '"id":""');
}

test('the first mutation of the README has the answer that the README shows', async () => {
  const blocks = blocksOf('README.md');
  const query = blocks.find(({ language }) => language === 'graphql')?.text ?? '';
  const shown = JSON.parse(blocks.find(({ language }) => language === 'json')?.text ?? '') as object;
  const { json } = await demo.graphql({ query });
  expect(withoutId(json)).toBe(withoutId(shown));
});
