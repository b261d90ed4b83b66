import type { Page } from 'playwright-core';

export type Pane = 'Operation Editor' | 'Headers' | 'Result Window';

/** GraphiQL in a browser, driven as a user does. */
export interface GraphiqlWindow {
  readonly page: Page;
  /** The text of a pane, as one line. */
  readonly text: (pane: Pane) => Promise<string>;
  /** Replaces an editor's text. It should be one line, since the editor indents further lines. */
  readonly write: (pane: Pane, text: string) => Promise<void>;
  readonly selectTab: (index: number) => Promise<void>;
  readonly run: () => Promise<void>;
  readonly reload: () => Promise<void>;
}

export async function openGraphiql(page: Page, address: URL): Promise<GraphiqlWindow> {
  const lines = (pane: Pane) => page.locator(`[aria-label="${pane}"] .view-lines:visible`);
  const reload = async (): Promise<void> => {
    await page.goto(new URL('graphql', address).href);
    await page.getByRole('button', { name: /^Execute query/ }).waitFor();
  };
  await reload();
  return {
    page,
    reload,
    // Monaco shows non-breaking spaces and wraps lines anywhere.
    text: async (pane) => (await lines(pane).innerText()).replaceAll(/\s+/g, ' '),
    async write(pane, given) {
      await lines(pane).click();
      await page.keyboard.press('ControlOrMeta+A');
      await page.keyboard.insertText(given);
      // Deletes the closing brace that the editor added.
      await page.keyboard.press('Delete');
      await page.keyboard.press('Home');
    },
    selectTab: (index) => page.locator(`#graphiql-session-tab-${index}`).click(),
    run: () => page.getByRole('button', { name: /^Execute query/ }).click(),
  };
}
