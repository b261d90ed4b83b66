import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import type { TestProject } from 'vitest/node';
import bundle from '../../../rolldown.config.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the program as `npm run build` bundles it, built once for this run. */
    readonly program: string;
    /** The path of `watched-workers.ts`, bundled with it. */
    readonly watchedWorkers: string;
  }
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const WATCHED_WORKERS = 'test/e2e/support/watched-workers.ts';
const CACHE = join(ROOT, 'node_modules/.cache');

/** Bundles the sources for all tests of this run: from one bundle a process starts in a third of the CPU time. */
export async function setup(project: TestProject): Promise<() => void> {
  mkdirSync(CACHE, { recursive: true });
  const dir = mkdtempSync(join(CACHE, 'program-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  // Without it Node reads each file twice, to find out that it is a module.
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
  try {
    const [output] = [bundle.output].flat();
    const input = { ...(bundle.input as Record<string, string>), 'watched-workers': WATCHED_WORKERS };
    await build({ ...bundle, input, cwd: ROOT, logLevel: 'warn', output: { ...output, dir } });
  } catch (error) {
    remove();
    throw error;
  }
  project.provide('program', join(dir, 'cli.js'));
  project.provide('watchedWorkers', join(dir, 'watched-workers.js'));
  return remove;
}
