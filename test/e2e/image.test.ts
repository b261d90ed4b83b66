import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { environment, execForm, parseDockerfile } from './support/dockerfile.ts';
import { buildImageTree, type ImageTree, installNode } from './support/image-tree.ts';
import { freePort } from '../support/free-port.ts';

const stages = parseDockerfile(readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8'));
const image = stages.at(-1)!;
const isRoot = process.getuid?.() === 0;
const INSTALLED = new URL('../../node_modules/.package-lock.json', import.meta.url);
const installed = readFileSync(INSTALLED, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'image-'));
let tree: ImageTree;
let programs: string;

beforeAll(() => {
  tree = buildImageTree(stages, folder);
  chmodSync(folder, 0o755);
  programs = installNode(tree);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

/** Starts the program as a container would: with the image's variables, user and folder. */
function options(env: Readonly<Record<string, string>>) {
  const { DATABASE_URL = '', ...rest } = environment(image);
  // Only a container has a root directory of its own.
  const inTree = DATABASE_URL.replace('sqlite:/', `sqlite:${tree.root}/`);
  const [uid, gid] = userOf();
  return {
    cwd: tree.workdir,
    env: { PATH: programs, ...rest, DATABASE_URL: inTree, HOST: '127.0.0.1', ...env },
    ...(isRoot ? { uid, gid } : {}),
  };
}

function userOf(): readonly [number, number] {
  const [uid = 0, gid = 0] = (image.instructions.find(({ name }) => name === 'USER')?.text ?? '')
    .split(':')
    .map(Number);
  return [uid, gid];
}

async function runInImage([program = '', ...args]: readonly string[], env = {}): Promise<Ended> {
  return promisify(execFile)(join(programs, program), args, options(env)).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  );
}

const administer = async (...words: string[]): Promise<Record<string, string>> =>
  JSON.parse((await runInImage([...execForm(image, 'ENTRYPOINT'), ...words, '--json'])).stdout) as Record<
    string,
    string
  >;

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('"listening"')) resolve();
    });
    child.once('exit', () => reject(new Error(`It ended before it listened: ${log}`)));
  });
}

describe('the image', () => {
  test('the image is built on the Node version of the tests, by an exact tag', () => {
    expect(new Set(stages.map((stage) => stage.image))).toEqual(
      new Set([`node:${packageJson.devDependencies.node}-trixie-slim`]),
    );
  });

  test('the image holds runtime files only, without build and test files', () => {
    const isThere = (path: string): boolean => existsSync(join(tree.workdir, path));
    expect(['dist/cli.js', 'node_modules/graphql', 'package.json'].filter((path) => !isThere(path))).toEqual([]);
    const others = ['src', 'test', 'node_modules/typescript', 'node_modules/vitest', 'node_modules/node'];
    expect(others.filter(isThere)).toEqual([]);
  });

  test('building the image leaves the list of the packages of this project as it is', () => {
    expect(readFileSync(INSTALLED, 'utf8') === installed).toBe(true);
  });

  test('the image runs as a user other than root who owns the data', () => {
    const [uid, gid] = userOf();
    expect([uid, gid].every((id) => id > 0)).toBe(true);
    const { uid: owner } = statSync(join(tree.root, 'data'));
    expect(owner).toBe(isRoot ? uid : process.getuid?.());
  });

  test('the image serves a task created by curl, is healthy meanwhile, and ends on SIGTERM', async () => {
    const client = await administer('client', 'create', '--name', 'image');
    await administer('catalogue', 'add', '--id', SAMPLE_INPUT.taskId, '--name', 'Sample task');
    const { token } = await administer('token', '--client', client['id'] ?? '');
    const PORT = String(await freePort());
    const healthcheck = execForm(image, 'HEALTHCHECK');
    expect((await runInImage(healthcheck, { PORT })).code).toBe(1);

    const [program = '', ...args] = [...execForm(image, 'ENTRYPOINT'), ...execForm(image, 'CMD')];
    const gateway = spawn(join(programs, program), args, options({ PORT }));
    try {
      await listening(gateway);
      expect((await runInImage(healthcheck, { PORT })).code).toBe(0);
      const query =
        'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { name } } }';
      const headers = ['-H', 'Content-Type: application/json', '-H', `Authorization: Bearer ${token}`];
      const body = JSON.stringify({ query, variables: { input: SAMPLE_INPUT } });
      const url = `http://127.0.0.1:${PORT}/graphql`;
      const { stdout } = await promisify(execFile)('curl', ['-sS', '--noproxy', '*', ...headers, '-d', body, url]);
      expect(JSON.parse(stdout)).toEqual({ data: { createAccountTask: { accountTask: { name: 'Sample task' } } } });
    } finally {
      gateway.kill(image.instructions.find(({ name }) => name === 'STOPSIGNAL')?.text as NodeJS.Signals);
      if (gateway.exitCode === null) await once(gateway, 'exit');
    }
    expect(gateway.exitCode).toBe(0);
  });
});
