import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { launchChromium } from './support/chromium.ts';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';

vi.setConfig({ testTimeout: 90_000 });

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const VIOLATIONS =
  'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))';
const SCREENS = [
  { colorScheme: 'light', width: 1200 },
  { colorScheme: 'dark', width: 1200 },
  { colorScheme: 'light', width: 320 },
] as const;

const browser = await launchChromium();
afterAll(() => browser.close());

test('the page at / is accessible in light, dark and on a phone, asks no other origin, and its links work', async () => {
  const demo = startCli(['demo'], { DATABASE_URL: temporaryDatabase() });
  const address = await demo.address();
  const complaints: string[] = [];
  for (const { colorScheme, width } of SCREENS) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const requests: string[] = [];
    page.on('console', (message) => void complaints.push(message.text()));
    page.on('request', (request) => void requests.push(request.url()));
    await page.goto(address.href);
    await page.screenshot({ path: `test-results/home-${colorScheme}-${width}.png`, fullPage: true });
    expect(requests).toEqual([address.href]);
    await page.evaluate(AXE);
    expect(await page.evaluate(VIOLATIONS), `${colorScheme}, ${width} pixels`).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.locator('main').innerText()).toContain(await demo.output(/^Authorization: Bearer \S+$/m));
    if (width !== 1200 || colorScheme !== 'light') continue;
    for (const link of await page.locator('a').all()) {
      const { href } = new URL((await link.getAttribute('href')) ?? '', page.url());
      expect([href, (await fetch(href, { headers: { accept: 'text/html, */*' } })).status]).toEqual([href, 200]);
    }
  }
  expect(complaints.join('\n')).toBe('');
  demo.kill('SIGTERM');
  await demo.exit;
});
