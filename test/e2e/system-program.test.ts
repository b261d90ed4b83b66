import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const MODULE = new URL('../support/system-program.ts', import.meta.url).href;
const ADVICE =
  'These tests need odd-program or odder-program. On Debian or Ubuntu run: ' +
  "sudo sh -c 'apt-get update && apt-get install --yes --no-install-recommends odd-package'";

/** A machine without the program, on which `apt-get` is this script; `$BIN` is a folder on its PATH. */
function machine(aptGet: string) {
  const bin = mkdtempSync(join(tmpdir(), 'system-program-'));
  onTestFinished(() => rmSync(bin, { recursive: true }));
  const write = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  write('apt-get', `echo "$@" >> "$BIN/calls"\n${aptGet}`);
  // Every Debian has it.
  if (process.platform !== 'linux')
    write(
      'flock',
      'held="$1.d"; shift; until mkdir "$held"; do sleep 0.1; done; "$@"; end=$?; rmdir "$held"; exit $end',
    );
  return {
    /** What a test that needs the program sees, as root or as somebody else. */
    find: async (userId = 0): Promise<string> => {
      const script = `
        process.getuid = () => ${userId};
        const { findSystemProgram } = await import('${MODULE}');
        try {
          console.log(findSystemProgram({ names: ['odd-program', 'odder-program'], debianPackage: 'odd-package' }));
        } catch (error) {
          console.log(error.message);
        }`;
      const env = { ...process.env, BIN: bin, PATH: `${bin}${delimiter}${process.env['PATH']}` };
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
      return stdout.trim();
    },
    calls: () => (existsSync(join(bin, 'calls')) ? readFileSync(join(bin, 'calls'), 'utf8').trim().split('\n') : []),
    program: join(bin, 'odder-program'),
  };
}

const INSTALL = 'if [ "$1" = install ]; then touch "$BIN/odder-program"; chmod +x "$BIN/odder-program"; fi';

test('a program that is missing is installed where that may be done', async () => {
  const { find, calls, program } = machine(INSTALL);
  expect(await find()).toBe(program);
  expect(calls()).toEqual(['update', 'install --yes --no-install-recommends odd-package']);
  expect(await find()).toBe(program);
  expect(calls()).toHaveLength(2);
});

test('who may not install it is told exactly what to run', async () => {
  const { find, calls } = machine(INSTALL);
  expect(await find(1000)).toBe(ADVICE);
  expect(calls()).toEqual([]);
});

test('an installation that fails is told with what it said', async () => {
  const { find } = machine('echo "E: Unable to locate package odd-package" >&2; exit 100');
  const told = await find();
  expect(told).toContain(ADVICE);
  expect(told).toContain('E: Unable to locate package odd-package');
});

test('an installation that brings nothing is no success', async () => {
  expect(await machine('true').find()).toBe(`${ADVICE}\nThe installation succeeded, but the program is still missing.`);
});

test('files of tests that need it at the same time install it once', async () => {
  const { find, calls, program } = machine(`mkdir "$BIN/busy" || exit 100; sleep 0.2; ${INSTALL}; rmdir "$BIN/busy"`);
  expect(await Promise.all([find(), find(), find()])).toEqual([program, program, program]);
  expect(calls()).toHaveLength(2);
});
