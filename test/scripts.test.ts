import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };

const PRELOAD = fileURLToPath(new URL('../preload.cjs', import.meta.url));
const { start, serve, dev, build, cli, doctor, explain, codegen } = packageJson.scripts;

test('the scripts that users run have no shell syntax: they are a program and plain arguments', () => {
  for (const script of [start, serve, dev, build, cli, doctor, explain, codegen])
    expect(script).toMatch(/^(?:node|graphql-codegen)(?: (?!-[ec]\b)[\w./-]+)*$/);
});

test('the scripts that run the program load preload.cjs before it', () => {
  for (const script of [start, serve, dev, cli, doctor, explain])
    expect(script).toMatch(/^node -r \.\/preload\.cjs (?:src\/cli|dev)\.ts/);
});

test('the package can be published, with a statement of where it was built', () => {
  expect(packageJson).toMatchObject({
    name: 'account-task-gateway',
    publishConfig: { access: 'public', provenance: true },
  });
  expect(packageJson).not.toHaveProperty('private');
});

/** Loads preload.cjs in a Node that says it has this version, and prints where compiled code is kept. */
async function preload(version: string) {
  const older = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
  const program = `${older} require('${PRELOAD}'); console.log(require('module').getCompileCacheDir())`;
  const { PATH = '' } = process.env;
  return promisify(execFile)(process.execPath, ['-e', program], { env: { PATH } }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test.each(['8.17.0', '18.20.8', '20.20.2', '23.11.1'])(
  'a script on Node %s says in one line what to do',
  async (version) => {
    expect(await preload(version)).toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        `Cannot start: Node 24 or later is required; this is Node v${version}. Node 26 comes with the packages, ` +
        'but npm has not run their install scripts; run: npm rebuild node --ignore-scripts=false\n',
    });
  },
);

test.each(['24.0.0', '30.0.0', '100.0.0'])(
  'a script on Node %s runs, and keeps compiled code in node_modules',
  async (version) => {
    const stdout = expect.stringMatching(/\/node_modules\/\.cache\/account-task-gateway\/\S+\n$/) as string;
    expect(await preload(version)).toEqual({ code: 0, stdout, stderr: '' });
  },
);
