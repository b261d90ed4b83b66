import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

export interface ProcessGroup {
  readonly child: ChildProcessWithoutNullStreams;
  /** Kills every process of the group. */
  kill(): void;
}

export interface GroupOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Reads the IDs of groups that start (+) and end (-), and kills the others at the end of its input, which comes with its starter's. */
const GUARD = `
groups=' '
while read -r change id; do
  if [ "$change" = + ]; then groups="$groups$id "; else groups="\${groups%% $id *} \${groups#* $id }"; fi
done
for id in $groups; do kill -s KILL -- "-$id"; done 2> /dev/null`;

let guard: Writable | null = null;

/** Starts a program in a new process group that ends as a whole, at the latest with its starter. */
export function startGroup(command: string, args: readonly string[], options: GroupOptions): ProcessGroup {
  const child = spawn(command, args, { ...options, detached: true });
  const { pid } = child;
  if (pid === undefined) return { child, kill() {} };
  guard ??= startGuard();
  guard.write(`+ ${pid}\n`);
  let isKilled = false;
  return {
    child,
    kill() {
      if (isKilled) return;
      isKilled = true;
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // The group has ended already.
      }
      guard?.write(`- ${pid}\n`);
    },
  };
}

/** Starts one guard for all groups: a large process, as a test's worker is, takes 25 ms of CPU time for each that it starts. */
function startGuard(): Writable {
  const started = spawn('sh', ['-c', GUARD], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  started.unref();
  (started.stdin as Socket).unref();
  return started.stdin;
}
