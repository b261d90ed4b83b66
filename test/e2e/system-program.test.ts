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

/** Simulates a machine without the program, with this script as `apt-get`. `$BIN` is a folder on its PATH. */
function machine(aptGet: string) {
  const bin = mkdtempSync(join(tmpdir(), 'system-program-'));
  onTestFinished(() => rmSync(bin, { recursive: true }));
  const write = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  write('apt-get', `echo "$@" >> "$BIN/calls"\n${aptGet}`);
  // Every Debian has this program.
  if (process.platform !== 'linux')
    write(
      'flock',
      'held="$1.d"; shift; until mkdir "$held"; do sleep 0.1; done; "$@"; end=$?; rmdir "$held"; exit $end',
    );
  return {
    /** Looks the program up as a test does, as root or as another user. */
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

test('a missing program is installed if the user may do so', async () => {
  const { find, calls, program } = machine(INSTALL);
  expect(await find()).toBe(program);
  expect(calls()).toEqual(['update', 'install --yes --no-install-recommends odd-package']);
  expect(await find()).toBe(program);
  expect(calls()).toHaveLength(2);
});

test('a user who may not install a program is told the command to run', async () => {
  const { find, calls } = machine(INSTALL);
  expect(await find(1000)).toBe(ADVICE);
  expect(calls()).toEqual([]);
});

test('a failed installation is reported with its output', async () => {
  const { find } = machine('echo "E: Unable to locate package odd-package" >&2; exit 100');
  const told = await find();
  expect(told).toContain(ADVICE);
  expect(told).toContain('E: Unable to locate package odd-package');
});

test('an installation that does not bring the program fails', async () => {
  expect(await machine('true').find()).toBe(`${ADVICE}\nThe installation succeeded, but the program is still missing.`);
});

test('several test files that need the program at the same time install it once', async () => {
  const { find, calls, program } = machine(`mkdir "$BIN/busy" || exit 100; sleep 0.2; ${INSTALL}; rmdir "$BIN/busy"`);
  expect(await Promise.all([find(), find(), find()])).toEqual([program, program, program]);
  expect(calls()).toHaveLength(2);
});
