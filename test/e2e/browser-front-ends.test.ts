import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import type { BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';
import { launchChromium } from './support/chromium.ts';
import { FRONT_ENDS } from './front-ends/front-ends.ts';
import { serveFolder } from './support/static-server.ts';

vi.setConfig({ testTimeout: 90_000 });

const folder = mkdtempSync(join(tmpdir(), 'browser-front-ends-'));
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Front ends</title>');
await build({
  configFile: false,
  root: fileURLToPath(new URL('front-ends', import.meta.url)),
  logLevel: 'warn',
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    lib: { entry: 'front-ends.ts', formats: ['es'], fileName: 'front-ends' },
    outDir: folder,
    emptyOutDir: false,
  },
});
const pages = await serveFolder(folder);
const gateway = await startStoreGateway({ mode: 'serve', env: { CORS_ORIGINS: pages.origin, LOG_LEVEL: 'silent' } });
const browser = await launchChromium();
afterAll(async () => {
  for (const part of [browser, gateway, pages]) await part.close();
  rmSync(folder, { recursive: true });
});

async function openTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(pages.origin);
  return page;
}

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  return context;
}

/** Submits in a page. Evaluated as text, so that the page loads the module and not this test. */
function submit(
  page: Page,
  storage: 'localStorage' | 'sessionStorage',
  input: object,
  name = 'fetch',
): Promise<unknown> {
  const endpoint = { url: new URL('graphql', gateway.url).href, authorization: `Bearer ${gateway.token}` };
  const [client, given, sent] = [name, endpoint, input].map((value) => JSON.stringify(value));
  const options = `{ storage: ${storage}, callerId: 'ann', keyLifetimeMs: 3600000 }`;
  return page.evaluate(
    `import('/front-ends.js').then((all) => {
      const result = all.submitAccountTask(all.FRONT_ENDS[${client}](${given}), ${sent}, ${options});
      globalThis.submitted?.();
      return result;
    })`,
  );
}

async function countTasks(): Promise<number | undefined> {
  const { json } = await gateway.graphql({ query: '{ accountTasks(first: 100) { edges { cursor } } }' });
  return (json.data?.['accountTasks'] as { readonly edges: readonly object[] } | undefined)?.edges.length;
}

test.each(Object.keys(FRONT_ENDS))(
  '%s creates a task from a page of another origin, after a preflight',
  async (name) => {
    const page = await openTab(await newContext());
    expect(await submit(page, 'sessionStorage', SAMPLE_INPUT, name)).toMatchObject({
      kind: 'created',
      accountTask: { startDate: SAMPLE_INPUT.startDate },
    });
    const absent = { ...SAMPLE_INPUT, taskId: 'ffffffff-ffff-4fff-8fff-ffffffffffff' };
    expect(await submit(page, 'sessionStorage', absent, name)).toMatchObject({
      kind: 'not-created',
      failure: { code: 'TASK_NOT_FOUND', outcome: 'REJECTED', requestId: expect.any(String) as unknown },
    });
  },
);

test('a page that is reloaded before its answer came finds the task that it has created', async () => {
  const page = await openTab(await newContext());
  const before = (await countTasks()) ?? 0;
  const arrived = Promise.withResolvers<null>();
  await page.route('**/graphql', async (route) => {
    await route.fetch();
    arrived.resolve(null);
  });
  const lost = submit(page, 'sessionStorage', SAMPLE_INPUT).catch(() => 'reloaded');
  await arrived.promise;
  await page.reload();
  expect(await lost).toBe('reloaded');
  await page.unroute('**/graphql');
  const pending = "import('/front-ends.js').then((all) => all.pendingAccountTasks(sessionStorage))";
  expect(await page.evaluate(pending)).toEqual([SAMPLE_INPUT]);
  expect(await submit(page, 'sessionStorage', SAMPLE_INPUT)).toMatchObject({ kind: 'created', replayed: true });
  expect(await page.evaluate(pending)).toEqual([]);
  expect(await countTasks()).toBe(before + 1);
});

test('two tabs that submit the same form at once create one task', async () => {
  const context = await newContext();
  // No answer comes before both have submitted: what one submits after the other has its task is a new task.
  let meeting = Promise.withResolvers<null>();
  let submitted = 0;
  await context.exposeFunction('submitted', () => {
    submitted += 1;
    if (submitted % 2 === 0) meeting.resolve(null);
  });
  await context.route('**/graphql', async (route) => {
    await meeting.promise;
    await route.continue();
  });
  const tabs = [await openTab(context), await openTab(context)];
  const before = (await countTasks()) ?? 0;
  const rounds = 20;
  for (let round = 0; round < rounds; round += 1) {
    meeting = Promise.withResolvers<null>();
    const input = { ...SAMPLE_INPUT, parameters: String(round) };
    const results = await Promise.all(tabs.map((tab) => submit(tab, 'localStorage', input)));
    expect(results).toMatchObject([{ kind: 'created' }, { kind: 'created' }]);
  }
  expect(await countTasks()).toBe(before + rounds);
});
