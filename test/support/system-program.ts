import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface SystemProgram {
  /** The names that the program may have. */
  readonly names: readonly string[];
  /** The package of Debian and Ubuntu that contains it. */
  readonly debianPackage: string;
  /** A path that takes precedence. */
  readonly path?: string | undefined;
}

/** Held during an installation, because test files run in parallel and apt-get refuses to run twice at a time. */
const LOCK = join(tmpdir(), 'account-task-gateway-install.lock');

/** Returns the path of a program that npm cannot install. A missing one is installed with apt-get if the user is root. */
export function findSystemProgram({ names, debianPackage, path }: SystemProgram): string {
  if (path) return path;
  const found = onPath(names);
  if (found) return found;
  const install = `apt-get update && apt-get install --yes --no-install-recommends ${debianPackage}`;
  const advice = `These tests need ${names.join(' or ')}. On Debian or Ubuntu run: sudo sh -c '${install}'`;
  if (process.getuid?.() !== 0 || !onPath(['apt-get'])) throw new Error(advice);
  process.stderr.write(`Installing ${debianPackage}, which these tests need: ${install}\n`);
  try {
    // Another process may have installed it while this one waited for the lock.
    const installUnlessPresent = `command -v ${names.join(' || command -v ')} || { ${install}; }`;
    execFileSync('flock', [LOCK, 'sh', '-c', installUnlessPresent], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'pipe',
    });
  } catch (error) {
    throw new Error(`${advice}\nThe installation was tried, and failed: ${(error as Error).message}`, { cause: error });
  }
  const installed = onPath(names);
  if (!installed) throw new Error(`${advice}\nThe installation succeeded, but the program is still missing.`);
  return installed;
}

function onPath(names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
}
