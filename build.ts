import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

// `npm run build`: the declarations and the program, in an empty dist/. Standard output stays free for `npm pack --json`.
rmSync('dist', { recursive: true, force: true });
for (const args of [
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  ['node_modules/rolldown/bin/cli.mjs', '-c'],
])
  execFileSync(process.execPath, args, { stdio: ['ignore', process.stderr, process.stderr] });
