import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';

const VITE = fileURLToPath(new URL('../../../node_modules/vite/bin/vite.js', import.meta.url));
const CONFIG = fileURLToPath(new URL('../web/vite.config.ts', import.meta.url));

/** Builds the web page into a folder, for the gateway at this address. */
export async function buildWebPage(graphqlUrl: URL, folder: string): Promise<void> {
  const args = [VITE, 'build', '--config', CONFIG, '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'];
  const env = { PATH: process.env['PATH'], VITE_GATEWAY_URL: graphqlUrl.href };
  const { stderr } = await promisify(execFile)(process.execPath, args, { env });
  if (stderr) throw new Error(stderr);
}

/** The page in a browser, driven as a user does. */
export interface WebPage {
  readonly page: Page;
  readonly field: (label: string) => Locator;
  readonly button: (name: string) => Locator;
  /** The heading of the last outcome. */
  readonly title: Locator;
  /** The whole text of the last outcome. */
  readonly outcome: Locator;
  /** The idempotency keys of all POSTs, in order. */
  readonly keys: readonly string[];
}

/** Opens the web page as a new tab would, without what the last one kept. */
export async function openWebPage(page: Page, origin: string, token: string): Promise<WebPage> {
  await page.goto(origin);
  await page.evaluate('sessionStorage.clear()');
  const keys: string[] = [];
  page.removeAllListeners('request').on('request', (request) => {
    if (request.method() !== 'POST') return;
    const { variables } = request.postDataJSON() as { readonly variables: { readonly idempotencyKey: string } };
    keys.push(variables.idempotencyKey);
  });
  await page.goto(origin);
  const field = (label: string) => page.getByLabel(label, { exact: true });
  await field('Access token').fill(token);
  return {
    page,
    field,
    button: (name) => page.getByRole('button', { name, exact: true }),
    title: page.getByRole('heading', { level: 2 }),
    outcome: page.getByRole('region'),
    keys,
  };
}
