import type { BrowserContext, Page } from 'playwright-core';

export type Pane = 'Operation Editor' | 'Headers' | 'Result Window';

/** GraphiQL as a user sees it. */
export interface GraphiqlPage {
  readonly page: Page;
  /** What a pane shows, as one line. */
  readonly text: (pane: Pane) => Promise<string>;
  /** Replaces all of an editor's text; a line would be indented by what is in front of it, so it should be one line. */
  readonly write: (pane: Pane, text: string) => Promise<void>;
  readonly run: () => Promise<void>;
  /** The names of the open tabs. */
  readonly tabs: () => Promise<readonly string[]>;
  readonly reload: () => Promise<void>;
  /** Writes what is on the screen to test-results/. */
  readonly screenshot: (name: string) => Promise<void>;
}

export async function openGraphiql(context: BrowserContext, address: URL): Promise<GraphiqlPage> {
  const page = await context.newPage();
  const lines = (pane: Pane) => page.locator(`[aria-label="${pane}"] .view-lines:visible`);
  const isReady = () => page.getByRole('button', { name: /^Execute query/ }).waitFor();
  await page.goto(new URL('graphql', address).href);
  await isReady();
  return {
    page,
    // Monaco shows blanks that do not break, and breaks lines where it likes.
    text: async (pane) => (await lines(pane).innerText()).replaceAll(/\s+/g, ' '),
    async write(pane, given) {
      await lines(pane).click();
      await page.keyboard.press('ControlOrMeta+A');
      await page.keyboard.insertText(given);
      // The brace with which the editor closed a first one by itself.
      await page.keyboard.press('Delete');
      await page.keyboard.press('Home');
    },
    run: () => page.getByRole('button', { name: /^Execute query/ }).click(),
    tabs: () => page.getByRole('tab').allInnerTexts(),
    async reload() {
      await page.goto(page.url());
      await isReady();
    },
    async screenshot(name) {
      await page.screenshot({ path: `test-results/graphiql-${name}.png` });
    },
  };
}
