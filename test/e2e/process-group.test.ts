import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startGroup } from './support/process-group.ts';

const MODULE = fileURLToPath(new URL('support/process-group.ts', import.meta.url));
const WAITS = 'setInterval(() => {}, 60_000)';
/** A program that starts a waiting child, prints both process IDs and waits. */
const STARTS_ANOTHER = `
  const other = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(WAITS)}]);
  process.stdout.write(process.pid + ' ' + other.pid + '\\n');
  ${WAITS};
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function readPids(stdout: AsyncIterable<unknown>): Promise<readonly number[]> {
  for await (const line of stdout) return String(line).trim().split(' ').map(Number);
  return [];
}

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'processes that a test started end with their starter on %s',
  async (signal) => {
    const program = `
      import { startGroup } from ${JSON.stringify(MODULE)};
      const options = { cwd: process.cwd(), env: {} };
      startGroup(process.execPath, ['-e', ${JSON.stringify(STARTS_ANOTHER)}], options).child.stdout.pipe(process.stdout);
    `;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    onTestFinished(() => void starter.kill('SIGKILL'));
    const pids = await readPids(starter.stdout);
    expect(pids.map(isAlive)).toEqual([true, true]);
    process.kill(-(starter.pid ?? NaN), signal);
    await once(starter, 'exit');
    await expect.poll(() => pids.map(isAlive), { timeout: 20_000 }).toEqual([false, false]);
  },
);

test('a process group ends as a whole, and ending it again does nothing', async () => {
  const group = startGroup(process.execPath, ['-e', STARTS_ANOTHER], { cwd: process.cwd(), env: {} });
  const pids = await readPids(group.child.stdout);
  group.kill();
  await expect.poll(() => pids.map(isAlive), { timeout: 20_000 }).toEqual([false, false]);
  group.kill();
});
