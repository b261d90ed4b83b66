import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export interface ProcessGroup {
  readonly child: ChildProcessWithoutNullStreams;
  /** Ends at once all that was started. */
  kill(): void;
}

export interface GroupOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Waits for the end of its input, which comes when its starter closes it or is gone, and ends the group. */
const GUARD = 'cat > /dev/null; kill -s KILL -- "-$0" 2> /dev/null';

/** Starts a program in a process group of its own: nothing that it starts outlives it, and it does not outlive its starter. */
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
        // The whole group has ended.
      }
      guard.stdin.end();
    },
  };
}
