import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import packageJson from '../../../package.json' with { type: 'json' };
import { linkPackages, readLock } from './linked-packages.ts';
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

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NAME = 'account-task-gateway';
const TIMEOUT_MS = 240_000;

/** Packs this project and installs it into a new project below `parent`, beside links to the dependencies of the lock file. */
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
  const packages = readLock();
  const { dependencies, bin } = packageJson;
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
  linkPackages(folder, 'production');
  // npm adds the packed file and every package that has a program, and silently repairs a lock that does not fit.
  await npm(['install', '--omit=dev', '--no-audit', '--no-fund'], folder);
  return {
    folder,
    bin: join(folder, 'node_modules', '.bin', NAME),
    tarball: join(parent, packed.filename),
    files: packed.files.map(({ path }) => path),
  };
}

/** Installs a dependency, such as `graphql@16.11.0`, into the package's project as its user would. */
export async function addPackage({ folder }: InstalledPackage, specification: string): Promise<void> {
  await npm(['install', '--omit=dev', '--no-audit', '--no-fund', specification], folder);
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = npmEnvironment();
  const { stdout } = await promisify(execFile)('npm', args, { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 });
  return stdout;
}
