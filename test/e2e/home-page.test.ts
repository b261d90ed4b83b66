import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { readConfig } from '../../src/app/config.ts';
import { startServing } from '../../src/app/serving.ts';
import { launchChromium, showFailures } from './support/chromium.ts';

vi.setConfig({ testTimeout: 90_000 });

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const VIOLATIONS =
  'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))';
const SCREENS = [
  { colorScheme: 'light', width: 1200 },
  { colorScheme: 'dark', width: 1200 },
  { colorScheme: 'light', width: 320 },
] as const;

const config = readConfig({ DATABASE_URL: 'sqlite::memory:', LOG_LEVEL: 'silent', PORT: '0' }, 'demo');
const demo = await startServing(config, 'demo');
const address = demo.address.href;
const browser = await launchChromium();
const page = await browser.newPage();
showFailures(page);
afterAll(async () => {
  await browser.close();
  await demo.close({ drainMs: 0 });
});

test('the page at / is accessible in light, dark and on a phone, asks no other origin, and its links work', async () => {
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => void complaints.push(message.text()));
  page.on('request', (request) => void requests.push(request.url()));
  await page.goto(address);
  await page.evaluate(AXE);
  for (const { colorScheme, width } of SCREENS) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate(VIOLATIONS), `${colorScheme}, ${width} pixels`).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  }
  expect(await page.locator('main').innerText()).toContain(/^Authorization: Bearer \S+$/m.exec(demo.banner ?? '')?.[0]);
  for (const link of await page.locator('a').all()) {
    const { href } = new URL((await link.getAttribute('href')) ?? '', address);
    expect([href, (await fetch(href, { headers: { accept: 'text/html, */*' } })).status]).toEqual([href, 200]);
  }
  expect(requests).toEqual([address]);
  expect(complaints).toEqual([]);
});
