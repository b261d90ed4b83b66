import { type Browser, chromium, type Page } from 'playwright-core';
import { beforeEach, onTestFailed } from 'vitest';
import { findSystemProgram } from '../../support/system-program.ts';

/** Launches the system's Chromium or the one at CHROMIUM_PATH; installs a missing one if the user may. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findSystemProgram({
    names: [
      'chromium-headless-shell',
      'chromium',
      'chromium-browser',
      'google-chrome',
      'google-chrome-stable',
      'chrome',
    ],
    debianPackage: 'chromium-headless-shell',
    path: process.env['CHROMIUM_PATH'],
  });
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Otherwise a spare process starts beside every page.
      '--disable-site-isolation-trials',
    ],
  });
}

/** Saves a screenshot of the page in test-results/ for each test of the file that fails. */
export function showFailures(page: Page): void {
  beforeEach(({ task }) => {
    const path = `test-results/${task.name.replaceAll(/\W+/g, '-')}.png`;
    onTestFailed(async () => void (await page.screenshot({ path, fullPage: true })));
  });
}
