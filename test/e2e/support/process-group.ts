import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export interface ProcessGroup {
  readonly child: ChildProcessWithoutNullStreams;
  /** Kills every process of the group. */
  kill(): void;
}

export interface GroupOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Kills the group at the end of its input, which its starter closes, also by ending. */
const GUARD = 'cat > /dev/null; kill -s KILL -- "-$0" 2> /dev/null';

/** Starts a program in a new process group that ends as a whole, at the latest with its starter. */
export function startGroup(command: string, args: readonly string[], options: GroupOptions): ProcessGroup {
  const child = spawn(command, args, { ...options, detached: true });
  const { pid } = child;
  if (pid === undefined) return { child, kill() {} };
  const guard = spawn('sh', ['-c', GUARD, String(pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  return {
    child,
    kill() {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // The group has ended already.
      }
      guard.stdin.end();
    },
  };
}
