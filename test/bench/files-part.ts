import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { posix } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask } from './load.ts';
import { table } from './numbers.ts';
import { readPort } from './program.ts';
import { startUpstream } from './upstream.ts';
import { toGraphqlBody, toRequest } from './work.ts';

const PROGRAM = fileURLToPath(new URL('programs/covered-gateway.ts', import.meta.url));
const WARM_UP_REQUESTS = 200;
/** Time for work that follows an answer, such as its line in the log. */
const AFTERWARDS_MS = 200;

/** The files of src/ in which one create calls a function, once the gateway has answered many. */
export async function filesPart(): Promise<string> {
  const upstream = await startUpstream();
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    PORT: '0',
    UPSTREAM_URL: upstream.url,
    RECORD: 'off',
  };
  const gateway = fork(PROGRAM, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  try {
    const url = new URL(`http://127.0.0.1:${await readPort(gateway, 'this gateway', 1)}/`);
    const create = toRequest('/graphql', toGraphqlBody());
    for (let count = 0; count < WARM_UP_REQUESTS; count += 1) await ask(url, create);
    await command(gateway, 'start');
    await ask(url, create);
    await delay(AFTERWARDS_MS);
    const files = (await command(gateway, 'take')).flatMap((path) => /(?<=\/)src\/.*\.ts$/.exec(path) ?? []).toSorted();
    const rooms = [...Map.groupBy(files, (path) => path.split('/')[1] ?? '')].map(([room, paths]) => [
      room,
      String(paths.length),
      paths.map((path) => posix.basename(path, '.ts')).join(' '),
    ]);
    const title = `One warm create in upstream mode enters ${files.length} files of src/`;
    return `## ${title}\n\n${table(['room', 'files', ''], rooms)}`;
  } finally {
    gateway.kill('SIGKILL');
    upstream.close();
  }
}

/** Sends a command and returns the answer: the URLs of the files entered since the last command. */
async function command(gateway: ChildProcess, message: 'start' | 'take'): Promise<readonly string[]> {
  const answered = once(gateway, 'message') as Promise<[readonly string[]]>;
  gateway.send(message);
  return (await answered)[0];
}
