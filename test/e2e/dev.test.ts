import { utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type GatewayProcess, startNpm, temporaryDatabase } from './support/gateway-process.ts';

const SOURCE = fileURLToPath(new URL('../../src/app/demo.ts', import.meta.url));
const STARTS = /(?:^Authorization: Bearer [^]*?){2}/m;

test.each([
  ['Ctrl+C in its terminal', (dev: GatewayProcess) => dev.killGroup('SIGINT')],
  ['a SIGTERM to npm', (dev: GatewayProcess) => dev.kill('SIGTERM')],
] as const)(
  'npm run dev restarts the demo when a source file changes, and %s ends all of it',
  async (_, end) => {
    const dev = startNpm(['run', 'dev'], { DATABASE_URL: temporaryDatabase() });
    await dev.output(/^Authorization: Bearer \S+$/m);
    const now = new Date();
    utimesSync(SOURCE, now, now);
    await dev.output(STARTS);
    end(dev);
    const { stderr } = await dev.exit;
    expect(stderr).not.toMatch(/Error|Cannot start/);
  },
  60_000,
);
