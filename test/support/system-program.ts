import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface SystemProgram {
  /** What it may be called. */
  readonly names: readonly string[];
  /** The package of Debian and Ubuntu that brings it. */
  readonly debianPackage: string;
  /** A path to use before all others. */
  readonly path?: string | undefined;
}

/** Held while something is installed: apt-get refuses to run twice at a time, and files of tests run side by side. */
const LOCK = join(tmpdir(), 'account-task-gateway-install.lock');

/** The path of a program that npm does not bring; installed with apt-get where it is missing and that may be done. */
export function findSystemProgram({ names, debianPackage, path }: SystemProgram): string {
  if (path) return path;
  const found = onPath(names);
  if (found) return found;
  const install = `apt-get update && apt-get install --yes --no-install-recommends ${debianPackage}`;
  const advice = `These tests need ${names.join(' or ')}. On Debian or Ubuntu run: sudo sh -c '${install}'`;
  if (process.getuid?.() !== 0 || !onPath(['apt-get'])) throw new Error(advice);
  process.stderr.write(`Installing ${debianPackage}, which these tests need: ${install}\n`);
  try {
    // Whoever waited for the lock finds it installed.
    const unlessThere = `command -v ${names.join(' || command -v ')} || { ${install}; }`;
    execFileSync('flock', [LOCK, 'sh', '-c', unlessThere], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'pipe',
    });
  } catch (error) {
    throw new Error(`${advice}\nThat was tried, and failed: ${(error as Error).message}`, { cause: error });
  }
  const installed = onPath(names);
  if (!installed) throw new Error(`${advice}\nThat was done, and did not bring it.`);
  return installed;
}

function onPath(names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
}
