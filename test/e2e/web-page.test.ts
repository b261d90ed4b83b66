import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { startGateway } from '../support/running-gateway.ts';
import { DATA, ERRORS, REASON, toEnvelope } from '../support/envelope-text.ts';
import { type RestReply, type RestService, startRestService } from '../support/rest-service.ts';
import { startAnswerCutter } from './support/answer-cutter.ts';
import { launchChromium, showFailures } from './support/chromium.ts';
import { serveFolder } from './support/static-server.ts';
import { buildWebPage, openWebPage } from './support/web-page.ts';

/** Long, because the machine may be busy. */
const SOON = { timeout: 20_000, interval: 100 };
const START = '2026-02-22T04:10:00.9543747+00:00';

vi.setConfig({ testTimeout: 90_000 });

const folder = mkdtempSync(join(tmpdir(), 'web-page-'));
const pages = await serveFolder(join(folder, 'page'));
const foreignPages = await serveFolder(join(folder, 'page'));
/** The service's answer in the current test; null for its normal one. */
let answer: () => RestReply | null | Promise<RestReply | null>;
const startService = (port: number) => startRestService({ port, answer: () => answer() });
let service = await startOnOwnPort(20_000 + (process.pid % 10_000));
const gateway = await startGateway(openBackend, {
  mode: 'serve',
  env: {
    UPSTREAM_URL: service.url.href,
    DATABASE_URL: `sqlite:${join(folder, 'gateway.db')}`,
    CORS_ORIGINS: pages.origin,
    MAX_BODY_BYTES: '10000',
  },
});
const way = await startAnswerCutter(gateway.url);
await buildWebPage(new URL('graphql', way.url), join(folder, 'page'));
const browser = await launchChromium();
const tab = await (await browser.newContext()).newPage();
tab.setDefaultTimeout(SOON.timeout);
showFailures(tab);
afterAll(async () => {
  await browser.close();
  for (const part of [way, gateway, service, pages, foreignPages]) await part.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  answer = () => null;
});

/** Uses a port below the ephemeral range, so that it stays free while the service is down. */
async function startOnOwnPort(port: number): Promise<RestService> {
  try {
    return await startService(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return startOnOwnPort(port + 1);
  }
}

/** Opens the page with its form filled in; returns it with the service's requests and tasks since. */
async function open(origin = pages.origin, viewport = { width: 800, height: 1000 }) {
  await tab.setViewportSize(viewport);
  const before = { requests: service.requests.length, tasks: service.tasks.length };
  return {
    ...(await openWebPage(tab, origin, 'caller-1')),
    received: () => service.requests.length - before.requests,
    created: () => service.tasks.length - before.tasks,
  };
}

test('the page creates a task and shows its timestamp with every digit', async () => {
  const { button, field, title, outcome, keys, received } = await open();
  await field('Start (optional)').fill(START);
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was created');
  expect(await outcome.innerText()).toContain(START);
  expect(await title.evaluate((heading) => heading.matches(':focus'))).toBe(true);
  expect(await button('Ask again').isVisible()).toBe(false);
  await button('Create the task').click();
  await expect.poll(received, SOON).toBe(2);
  expect(new Set(keys).size).toBe(2);
});

test('the page shows why the service refused a task, and the next try has a new key', async () => {
  answer = () => ({
    status: 400,
    headers: { 'Content-Type': 'application/json' },
    body: toEnvelope('json', ERRORS.set, DATA.absent),
  });
  const { button, title, outcome, keys, created } = await open();
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was refused, and not created');
  expect(await outcome.innerText()).toContain(`${REASON} (E17)`);
  answer = () => null;
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was created');
  expect(created()).toBe(1);
  expect(new Set(keys).size).toBe(2);
});

test('the page shows why the gateway refused a task, and nothing reaches the service', async () => {
  const { button, field, title, outcome, received } = await open();
  await field('Access token').fill('caller‑1');
  await button('Create the task').click();
  await expect.poll(() => outcome.innerText(), SOON).toContain('characters that cannot be sent');
  await field('Access token').fill('caller-1');
  await field('Task ID').fill('seventeen');
  await button('Create the task').click();
  await expect.poll(() => outcome.innerText(), SOON).toContain('input.taskId: expected a GUID');
  expect(await title.innerText()).toBe('Nothing was sent, and nothing was created');
  await field('Task ID').fill('86cb791c-8078-41ae-a045-5dded04c9589');
  await field('Parameters').fill(`"${'x'.repeat(10_000)}"`);
  await button('Create the task').click();
  await expect.poll(() => outcome.innerText(), SOON).toContain('larger than 10000 bytes');
  expect(await title.innerText()).toBe('Nothing was sent, and nothing was created');
  expect(received()).toBe(0);
});

test('the page repeats a task of unknown outcome with its key, gets the recorded answer, and it is never sent again', async () => {
  answer = () => {
    throw new Error('The service hangs up.');
  };
  const { button, field, title, outcome, keys, received } = await open();
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('It is not known whether the task was created');
  expect(await outcome.innerText()).toContain('that cannot create it twice');
  expect(await field('Parameters').isEnabled()).toBe(false);
  answer = () => null;
  await button('Ask again').click();
  await expect.poll(() => title.innerText(), SOON).toBe('Whether the task was created is still not known');
  expect(received()).toBe(1);
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);

  await button('Give up on this one and start anew').click();
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was created');
  expect(new Set(keys).size).toBe(2);
});

test('the page finds a task whose answer was lost by asking again, and it is the only one', async () => {
  const { button, title, outcome, received, created } = await open();
  way.cut(true);
  onTestFinished(() => way.cut(false));
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('It is not known whether the task was created');
  await expect.poll(created, SOON).toBe(1);
  way.cut(false);
  await button('Ask again').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was created');
  expect(await outcome.innerText()).toContain('An earlier try had created it.');
  expect([received(), created()]).toEqual([1, 1]);
});

test('a reload of the page while it waits loses neither the task nor its key', async () => {
  const released = Promise.withResolvers<null>();
  answer = () => released.promise;
  const { page, button, field, title, keys, received, created } = await open();
  await field('Parameters').fill('{"report": "reloaded"}');
  await field('Frequency').selectOption('Every week');
  await button('Create the task').click();
  await expect.poll(received, SOON).toBe(1);
  await page.reload();
  await expect.poll(() => title.innerText(), SOON).toBe('It is not known whether the task was created');
  await expect.poll(() => field('Parameters').inputValue(), SOON).toBe('{"report": "reloaded"}');
  expect(await field('Frequency').inputValue()).toBe('WEEKLY');
  released.resolve(null);
  await expect.poll(created, SOON).toBe(1);
  await field('Access token').fill('caller-1');
  await button('Ask again').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was created');
  expect([received(), created()]).toEqual([1, 1]);
  expect(new Set(keys).size).toBe(1);
});

test('the page sends a task when the service is back, and it is created once', async () => {
  const { button, title, outcome, keys } = await open();
  const { port } = service.url;
  await service.close();
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('Nothing was sent, and nothing was created');
  expect(await outcome.innerText()).toContain('You can safely try again.');
  service = await startService(Number(port));
  await button('Ask again').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was created');
  expect(await outcome.innerText()).toContain('It was created just now.');
  expect(service.tasks).toHaveLength(1);
  expect(new Set(keys).size).toBe(1);
});

test('the browser refuses a page of an origin outside CORS_ORIGINS, and nothing reaches the service', async () => {
  const { page, button, title, received } = await open(foreignPages.origin);
  const refusals: string[] = [];
  page.on('console', (message) => void refusals.push(message.text()));
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('It is not known whether the task was created');
  await expect.poll(() => refusals.join('\n'), SOON).toContain('has been blocked by CORS policy');
  expect(received()).toBe(0);
});

test('the page refuses a malformed start and a finish before the start, and sends nothing', async () => {
  const { button, field, keys } = await open();
  const complaint = (label: string) =>
    field(label).evaluate((input) => (input as unknown as { readonly validationMessage: string }).validationMessage);
  await field('Start (optional)').fill('22.2.2026');
  await button('Create the task').click();
  await expect.poll(() => complaint('Start (optional)'), SOON).toContain('with Z or an offset');
  // 100 ns apart, and in the opposite order as texts.
  await field('Start (optional)').fill('2026-02-22T04:10:00.0000001Z');
  await field('Finish (optional)').fill('2026-02-22T05:10:00+01:00');
  await button('Create the task').click();
  await expect.poll(() => complaint('Finish (optional)'), SOON).toBe('The finish is before the start.');
  expect(keys).toEqual([]);
});

test('the page is not cut off on a small dark screen', async () => {
  await tab.emulateMedia({ colorScheme: 'dark' });
  onTestFinished(() => tab.emulateMedia({ colorScheme: null }));
  const { page, button, field, title } = await open(pages.origin, { width: 360, height: 740 });
  await field('Start (optional)').fill(START);
  await button('Create the task').click();
  await expect.poll(() => title.innerText(), SOON).toBe('The task was created');
  const width = await page.locator('html').evaluate((root) => (root as unknown as { scrollWidth: number }).scrollWidth);
  expect(width).toBe(360);
});
