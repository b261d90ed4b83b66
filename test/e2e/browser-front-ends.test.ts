import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
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

test.each(Object.keys(FRONT_ENDS))(
  '%s creates a task from a page of another origin, after a preflight',
  async (name) => {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(pages.origin);
    // Evaluated as text, so that the page loads the module and not this test.
    const run = (input: object): Promise<unknown> => {
      const endpoint = { url: new URL('graphql', gateway.url).href, authorization: `Bearer ${gateway.token}` };
      return page.evaluate(
        `import('/front-ends.js').then(({ FRONT_ENDS }) => FRONT_ENDS[${JSON.stringify(name)}](${JSON.stringify(endpoint)}).createTask(${JSON.stringify({ input })}))`,
      );
    };
    expect(await run(SAMPLE_INPUT)).toMatchObject({
      kind: 'created',
      payload: { accountTask: { startDate: SAMPLE_INPUT.startDate } },
    });
    expect(await run({ ...SAMPLE_INPUT, taskId: 'ffffffff-ffff-4fff-8fff-ffffffffffff' })).toMatchObject({
      kind: 'failed',
      failure: { code: 'TASK_NOT_FOUND', outcome: 'REJECTED', requestId: expect.any(String) as unknown },
    });
  },
);
