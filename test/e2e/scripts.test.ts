import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const CHECK = fileURLToPath(new URL('../../require-node.sh', import.meta.url));
const SCRIPTS = ['start', 'serve', 'cli', 'doctor', 'explain'] as const;

/** Runs a script with a system Node of this version, which prints its arguments. */
async function runScript(script: (typeof SCRIPTS)[number], version: string, hasPackage = false) {
  const folder = mkdtempSync(join(tmpdir(), 'scripts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  copyFileSync(CHECK, join(folder, 'require-node.sh'));
  const write = (path: string, says: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `#!/bin/sh\n[ "$1" = --version ] && echo ${says} || echo "${says} runs $*"\n`);
    chmodSync(join(folder, path), 0o755);
  };
  write('bin/node', version);
  if (hasPackage) write('node_modules/node/bin/node', 'v26.10.0');
  const PATH = `${join(folder, 'node_modules/node/bin')}:${join(folder, 'bin')}:/usr/bin:/bin`;
  return promisify(execFile)('sh', ['-c', packageJson.scripts[script]], { cwd: folder, env: { PATH } }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test.each(SCRIPTS)('npm run %s without the Node package says in one line what to do', async (script) => {
  for (const version of ['v8.17.0', 'v18.20.8', 'v20.20.2', 'v23.11.1'])
    expect(await runScript(script, version)).toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        `Cannot start: Node 24 or later is required; this is Node ${version}. Node 26 comes with the packages, ` +
        'but npm has not run their install scripts; run: npm rebuild node --ignore-scripts=false\n',
    });
});

test.each(SCRIPTS)('npm run %s uses a system Node that is new enough', async (script) => {
  for (const version of ['v24.0.0', 'v25.1.0', 'v30.0.0', 'v100.0.0'])
    expect(await runScript(script, version)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^${version} runs src/cli.ts`)) as string,
    });
});

test.each(SCRIPTS)('npm run %s prefers the Node package to any system Node', async (script) => {
  expect(await runScript(script, 'v20.20.2', true)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^v26\.10\.0 runs src\/cli\.ts/) as string,
  });
});
