import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../src/app/config.ts';
import { startServing } from '../../src/app/serving.ts';
import { launchChromium } from '../e2e/support/chromium.ts';
import { openGraphiql } from '../e2e/support/graphiql-page.ts';

// `npm run screenshot`: starts a demo of its own, runs the sample mutation in GraphiQL and writes the README's picture.

const PICTURE = fileURLToPath(new URL('../../docs/graphiql.png', import.meta.url));
const VIEWPORT = { width: 1280, height: 760 };
const PATIENCE_MS = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'graphiql-screenshot-'));
const env = { PORT: '0', DATABASE_URL: `sqlite:${join(folder, 'gateway.db')}` };
const demo = await startServing(readConfig(env, 'demo'), 'demo');
const browser = await launchChromium();
try {
  const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: 'light', reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE_MS);
  const { page, run } = await openGraphiql(await context.newPage(), demo.address);
  // The lower pane would show the token.
  await page.getByRole('button', { name: 'Hide editor tools' }).click();
  await run();
  await page.getByText('"REGISTERED"').waitFor();
  await page.mouse.move(0, 0);
  const picture = await page.screenshot({ animations: 'disabled' });
  writeFileSync(PICTURE, picture);
  process.stdout.write(`${PICTURE}: ${Math.ceil(picture.length / 1_024)} KB\n`);
} finally {
  await browser.close();
  await demo.close({ drainMs: 0 });
  rmSync(folder, { recursive: true, force: true });
}
