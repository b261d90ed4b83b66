import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmEnvironment } from './npm-environment.ts';

/** Exact versions. Each is a binary of some 100 MB from the npm registry. */
const VERSIONS = { bun: '1.4.5', deno: '2.9.6', node: '24.21.0' } as const;
export type Runtime = keyof typeof VERSIONS;

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/runtimes/', import.meta.url));

/** Returns the path of another JavaScript runtime, or of the oldest Node that is supported. The first call installs it from npm into node_modules/.cache. */
export function findRuntime(name: Runtime): string {
  const version = VERSIONS[name];
  const folder = join(CACHE, `${name}-${version}`);
  const program = join(folder, 'node_modules', '.bin', name);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { [name]: version }, allowScripts: { [name]: true } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  process.stderr.write(`Installing ${name} ${version} from npm, which this test needs.\n`);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], {
    cwd: folder,
    env: npmEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 240_000,
  });
  return program;
}
