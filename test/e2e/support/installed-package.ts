import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { npmEnvironment } from './npm-environment.ts';

export interface InstalledPackage {
  /** The folder of a project with this dependency only. */
  readonly folder: string;
  /** The path of its program. */
  readonly bin: string;
  /** The path of the packed file. */
  readonly tarball: string;
  /** The paths of the packed files. */
  readonly files: readonly string[];
}

interface Lock {
  readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NAME = 'account-task-gateway';
const TIMEOUT_MS = 240_000;

/** Packs this project and installs it into an empty folder below `parent`, with the dependency versions of the lock file. */
export async function installPackage(parent: string): Promise<InstalledPackage> {
  const answer = await npm(['pack', '--json', '--silent', '--pack-destination', parent], ROOT);
  const packed = Object.values(JSON.parse(answer) as object)[0] as {
    readonly filename: string;
    readonly integrity: string;
    readonly files: readonly { readonly path: string }[];
  };
  const folder = join(parent, 'elsewhere');
  mkdirSync(folder);
  const address = `file:../${packed.filename}`;
  const manifest = { type: 'module', dependencies: { [NAME]: address } };
  // With a lock file npm needs nothing that `npm ci` of this project has not already fetched.
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const { dependencies, bin } = packages[''] ?? {};
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const lock = {
    lockfileVersion: 3,
    packages: {
      '': manifest,
      [`node_modules/${NAME}`]: { version: '0.1.0', resolved: address, integrity: packed.integrity, dependencies, bin },
      ...Object.fromEntries(needed),
    },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  await npm(['ci', '--omit=dev', '--no-audit', '--no-fund'], folder);
  return {
    folder,
    bin: join(folder, 'node_modules', '.bin', NAME),
    tarball: join(parent, packed.filename),
    files: packed.files.map(({ path }) => path),
  };
}

/** Copies the project of an installed package. */
export function copyProject({ folder }: InstalledPackage): string {
  const project = mkdtempSync(join(dirname(folder), 'beside-'));
  cpSync(folder, project, { recursive: true, verbatimSymlinks: true });
  return project;
}

/** Installs a dependency, such as `graphql@16.11.0`, into a project as its user would. */
export async function addPackage(project: string, specification: string): Promise<void> {
  await npm(['install', '--omit=dev', '--no-audit', '--no-fund', specification], project);
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = npmEnvironment();
  const { stdout } = await promisify(execFile)('npm', args, { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 });
  return stdout;
}
