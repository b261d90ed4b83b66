import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

const HOLDER = `
  import { DatabaseSync } from 'node:sqlite';
  const handle = new DatabaseSync(process.argv[1]);
  handle.exec(process.argv[2]);
  process.stdout.write('locked');
  process.stdin.once('data', () => {
    handle.exec('COMMIT');
    handle.close();
    process.stdin.destroy();
  });
`;

/** Starts a process that runs `work` and holds the write lock of a SQLite file until `release`. */
export async function holdWriteLock(path: string, work = ''): Promise<{ readonly release: () => Promise<void> }> {
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, path, `BEGIN IMMEDIATE; ${work}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  const exited = once(holder, 'exit');
  await once(holder.stdout, 'data');
  return {
    async release() {
      holder.stdin.write('end');
      const [code] = (await exited) as [number | null];
      if (code !== 0) throw new Error(`The lock holder exited with status ${code}.`);
    },
  };
}
