import { spawn } from 'node:child_process';

// `npm run dev`: the demo under Node's watcher, which would outlive the shell that npm's SIGTERM ends.
const PARENT_CHECK_MS = 250;
const args = ['--watch', '--watch-preserve-output', 'src/cli.ts', 'demo'];
const watcher = spawn(process.execPath, args, { stdio: 'inherit' });
const shell = process.ppid;
setInterval(() => process.ppid === shell || watcher.kill(), PARENT_CHECK_MS);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => watcher.kill(signal));
watcher.once('exit', (code) => process.exit(code ?? 0));
