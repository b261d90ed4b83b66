import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment, type Instruction, type Stage } from './dockerfile.ts';
import { linkPackages, linkTree } from './linked-packages.ts';
import { npmEnvironment } from './npm-environment.ts';

const TIMEOUT_MS = 240_000;
const INSTALL = /^npm ci(?! .*--omit)/;
const CONTEXT = fileURLToPath(new URL('../../..', import.meta.url));

/** The file tree of an image, in a folder. */
export interface ImageTree {
  readonly root: string;
  /** Where its program runs, inside `root`. */
  readonly workdir: string;
}

/**
 * Builds the file tree of each stage by running the commands of its Dockerfile in folders instead of containers. The Node
 * that runs this test stands in for the base image.
 */
export function buildImageTree(stages: readonly Stage[], folder: string): ImageTree {
  const trees = new Map<string, ImageTree>();
  let last: ImageTree | null = null;
  for (const [index, stage] of stages.entries()) {
    const root = join(folder, stage.name ?? `stage-${index}`);
    mkdirSync(root, { recursive: true });
    last = buildStage(stage, root, trees);
    trees.set(stage.name ?? String(index), last);
  }
  if (!last) throw new Error('The Dockerfile has no stage.');
  return last;
}

function buildStage(stage: Stage, root: string, trees: ReadonlyMap<string, ImageTree>): ImageTree {
  let workdir = root;
  for (const instruction of stage.instructions) {
    const { name, text } = instruction;
    if (name === 'WORKDIR') {
      workdir = join(root, text);
      mkdirSync(workdir, { recursive: true });
    } else if (name === 'COPY') copy(instruction, { root, workdir }, trees);
    else if (name === 'RUN') run(text, workdir, environment(stage));
  }
  return { root, workdir };
}

function copy({ text, flags }: Instruction, { root, workdir }: ImageTree, trees: ReadonlyMap<string, ImageTree>): void {
  const words = text.split(/\s+/);
  const destination = words.at(-1) ?? '';
  const from = flags['from'] === undefined ? null : trees.get(flags['from']);
  if (from === undefined) throw new Error(`There is no stage ${flags['from']}.`);
  const target = destination.startsWith('/') ? join(root, destination) : join(workdir, destination);
  for (const source of words.slice(0, -1)) {
    if (!from) checkContext(source);
    const path = from ? join(from.root, source) : join(CONTEXT, source);
    // COPY copies the content of a folder, not the folder.
    const isInto = !statSync(path).isDirectory() && (destination.endsWith('/') || existsSync(target));
    if (from && !existsSync(target) && linkTree(path, target)) continue;
    cpSync(path, isInto ? join(target, basename(path)) : target, { recursive: true, verbatimSymlinks: true });
  }
  if (flags['chown'] !== undefined && process.getuid?.() === 0) {
    const [uid, gid] = flags['chown'].split(':').map(Number);
    chownSync(target, uid ?? 0, gid ?? 0);
    if (readdirSync(target).length > 0) throw new Error('chown is supported for an empty folder only.');
  }
}

/** Throws if .dockerignore excludes a file that is copied into the image. */
function checkContext(source: string): void {
  const [first, ...allowed] = readFileSync(join(CONTEXT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (first !== '*') throw new Error('.dockerignore does not begin by ignoring everything.');
  if (!allowed.includes(`!${source}`)) throw new Error(`.dockerignore keeps ${source} from the build.`);
}

function run(command: string, cwd: string, env: Readonly<Record<string, string>>): void {
  if (/(?:^|\s)\//.test(command))
    throw new Error(`An absolute path means another file outside of a container: ${command}`);
  if (INSTALL.test(command) && linkPackages(cwd, 'all')) return;
  execFileSync('sh', ['-c', command], {
    cwd,
    env: { ...npmEnvironment(), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT_MS,
  });
}

/** Copies the Node that runs this test to its place in the image, since the image's user may not have access to this project. */
export function installNode({ root }: ImageTree): string {
  const folder = join(root, 'usr', 'local', 'bin');
  mkdirSync(folder, { recursive: true });
  cpSync(process.execPath, join(folder, 'node'));
  chmodSync(join(folder, 'node'), 0o755);
  return folder;
}
