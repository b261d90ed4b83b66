import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** npm's list of what is installed. */
const INSTALLED_LIST = 'node_modules/.package-lock.json';

export interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/** The packages of a lock file, by path. The empty path is the project. */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

export function readLock(path = join(ROOT, 'package-lock.json')): LockedPackages {
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly packages: LockedPackages }).packages;
}

/**
 * Links the packages of this project, which `npm ci` has installed from the lock file, into a project that has no
 * node_modules: the same result as npm's in a tenth of the CPU time, as a cached layer gives it to Docker. Returns false if
 * that cannot be done.
 */
export function linkPackages(folder: string, wanted: 'all' | 'production'): boolean {
  const list = join(ROOT, INSTALLED_LIST);
  if (!existsSync(list) || !isFromLock(readLock(list))) return false;
  const packages = Object.entries(readLock(list)).filter(([, { dev }]) => wanted === 'all' || dev !== true);
  // npm writes the links in .bin with the packages that it adds itself.
  const bin = wanted === 'all' ? ['node_modules/.bin'] : [];
  const paths = packages.map(([path]) => path).filter((path) => !path.slice(1).includes('/node_modules/'));
  if (!link(['--parents', ...bin, ...paths, folder], join(folder, 'node_modules'))) return false;
  // npm trusts the list if it is newer than the folders. It rewrites the list in place, so it must not be a link.
  writeFileSync(
    join(folder, INSTALLED_LIST),
    JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(packages) }),
  );
  return true;
}

/** Fills a new folder with hard links to the files of another, which must not change later. Returns false if that cannot be done. */
export function linkTree(folder: string, target: string): boolean {
  return link([folder, target], target);
}

function link(args: readonly string[], result: string): boolean {
  try {
    execFileSync('cp', ['-al', ...args], { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    // Another file system, for example, has no hard links to this one.
    rmSync(result, { recursive: true, force: true });
    return false;
  }
}

/** True if the packages of this project are those of its lock file; optional ones may be for other platforms. */
function isFromLock(installed: LockedPackages): boolean {
  return Object.entries(readLock()).every(
    ([path, { version, optional }]) =>
      path === '' || installed[path]?.version === version || (optional === true && installed[path] === undefined),
  );
}
