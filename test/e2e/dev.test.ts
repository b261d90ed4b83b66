import { utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type GatewayProcess, startNpm, temporaryDatabase } from './support/gateway-process.ts';

const SOURCE = fileURLToPath(new URL('../../src/app/demo.ts', import.meta.url));
const STARTED = /^Authorization: Bearer \S+$/m;
const STARTED_TWICE = /(?:^Authorization: Bearer [^]*?){2}/m;

async function startDev(): Promise<GatewayProcess> {
  const dev = startNpm(['run', 'dev'], { DATABASE_URL: temporaryDatabase() });
  await dev.output(STARTED);
  return dev;
}

test('npm run dev restarts the demo when a source file changes, and a SIGTERM to npm ends all of it', async () => {
  const dev = await startDev();
  const now = new Date();
  utimesSync(SOURCE, now, now);
  await dev.output(STARTED_TWICE);
  dev.kill('SIGTERM');
  const { stderr } = await dev.exit;
  expect(stderr).not.toMatch(/Error|Cannot start/);
}, 60_000);

test('Ctrl+C in the terminal of npm run dev ends all of it', async () => {
  const dev = await startDev();
  dev.killGroup('SIGINT');
  const { stderr } = await dev.exit;
  expect(stderr).not.toMatch(/Error|Cannot start/);
}, 60_000);
