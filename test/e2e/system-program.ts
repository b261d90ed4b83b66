import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface SystemProgram {
  /** What it may be called. */
  readonly names: readonly string[];
  /** The package of Debian and Ubuntu that brings it. */
  readonly debianPackage: string;
  /** A path to use before all others. */
  readonly path?: string | undefined;
}

/** The path of a program that npm does not bring; installed with apt-get where it is missing and that may be done. */
export function findSystemProgram({ names, debianPackage, path }: SystemProgram): string {
  if (path) return path;
  const found = onPath(names);
  if (found) return found;
  const install = `apt-get update && apt-get install --yes --no-install-recommends ${debianPackage}`;
  if (process.getuid?.() === 0 && onPath(['apt-get'])) {
    process.stderr.write(`Installing ${debianPackage}, which these tests need: ${install}\n`);
    execFileSync('sh', ['-c', install], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'ignore',
    });
  }
  const installed = onPath(names);
  if (installed) return installed;
  throw new Error(`These tests need ${names.join(' or ')}. On Debian or Ubuntu run: sudo sh -c '${install}'`);
}

function onPath(names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
}
