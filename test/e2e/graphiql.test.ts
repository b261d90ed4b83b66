import type { Response } from 'playwright-core';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { SAMPLE_MUTATION, SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { launchChromium } from './support/chromium.ts';
import { type GatewayProcess, startCli, temporaryDatabase } from './support/gateway-process.ts';
import { openGraphiql } from './support/graphiql-page.ts';

const ONE_LINE_EXAMPLE = SAMPLE_MUTATION.replace(/^#.*$/m, '').replaceAll(/\s+/g, ' ').trim();
/** Long, because the page is large and the machine may be busy. */
const SOON = { timeout: 60_000 };
const START_DATE = '"startDate": "2026-02-22T04:10:00.9543747+00:00"';

vi.setConfig({ testTimeout: 240_000 });

const browser = await launchChromium();
afterAll(() => browser.close());

/** Opens a browser context with empty storage that records requests and console errors. */
async function newBrowser() {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
  context.setDefaultTimeout(60_000);
  onTestFinished(() => context.close());
  const requests: string[] = [];
  const complaints: string[] = [];
  const answers: Response[] = [];
  context.on('request', (request) => void requests.push(request.url()));
  context.on('response', (response) => void answers.push(response));
  context.on('weberror', (error) => void complaints.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  context.on('page', (page) => page.on('websocket', (socket) => void requests.push(socket.url())));
  return { context, requests, answers, complaints };
}

async function startDemo(env: Readonly<Record<string, string>> = {}) {
  const demo = startCli(['demo'], { DATABASE_URL: temporaryDatabase(), ...env });
  const authorization = (await demo.output(/^Authorization: Bearer \S+$/m)).replace('Authorization: ', '');
  return { demo, authorization, address: await demo.address() };
}

async function end(demo: GatewayProcess): Promise<void> {
  demo.kill('SIGTERM');
  await demo.exit;
}

test('GraphiQL runs its example with its header, and makes no request to another origin', async () => {
  const { authorization, address } = await startDemo();
  const { context, requests, answers, complaints } = await newBrowser();
  const graphiql = await openGraphiql(context, address);
  await expect.poll(() => graphiql.text('Headers'), SOON).toContain(`"Authorization": "${authorization}"`);
  await graphiql.run();
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain(START_DATE);
  await graphiql.screenshot('example');
  expect(requests.length).toBeGreaterThan(2);
  expect(requests.filter((url) => new URL(url).origin !== address.origin)).toEqual([]);
  // The browser enforces the policy and would log a violation.
  expect(await answers[0]?.allHeaders()).toMatchObject({
    'content-encoding': 'gzip',
    'content-security-policy': expect.stringContaining("default-src 'none'") as unknown,
    etag: expect.stringMatching(/^".+"$/) as unknown,
  });
  expect(complaints).toEqual([]);
});

test('every tab runs as it stands', async () => {
  const { address } = await startDemo();
  const { context } = await newBrowser();
  const graphiql = await openGraphiql(context, address);
  const shown: [title: string, answer: RegExp][] = [
    ['CreateAccountTask', /"status": "REGISTERED"/],
    ['CreateOnceWithAKey', /"replayed": false.*"replayed": true/],
    ['ListAccountTasks', /"edges": \[.*"name": "Sample task"/],
    ['CreateABatch', /"name": "Sample task".*"code": "TASK_NOT_FOUND"/],
    ['FailureAsData', /"code": "TASK_REJECTED".*"errorCode": "E17"/],
    ['UnknownOutcome', /"lost": \{.*"outcome": "UNKNOWN".*"repeated": \{.*"replayed": true/],
    ['WhatBecameOfIt', /"state": "SUCCEEDED"/],
    ['FederationService', /"sdl": "/],
  ];
  const titles = await graphiql.page.getByRole('tab').allInnerTexts();
  expect(titles).toEqual(shown.map(([title]) => title));
  for (const [index, [title, answer]] of shown.entries()) {
    // By keyboard: a click of the mouse may be taken for the start of a drag on a busy machine.
    await graphiql.page.locator(`#graphiql-session-tab-${index}`).press('Enter');
    await expect.poll(() => graphiql.text('Operation Editor'), SOON).toContain(title);
    await graphiql.run();
    await expect.poll(() => graphiql.text('Result Window'), SOON).toMatch(answer);
    await graphiql.screenshot(`tab-${title}`);
  }
});

test('a header that the user wrote survives a reload and a restart of the demo', async () => {
  const first = await startDemo();
  const { context } = await newBrowser();
  const graphiql = await openGraphiql(context, first.address);
  await expect.poll(() => graphiql.text('Headers'), SOON).toContain(first.authorization);
  await graphiql.write('Headers', '{ "Authorization": "Bearer of-the-user" }');
  await graphiql.run();
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"code": "UNAUTHENTICATED"');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('get a new one');
  await graphiql.screenshot('stale-token');
  await end(first.demo);
  await startDemo({ PORT: first.address.port });
  await graphiql.reload();
  await expect.poll(() => graphiql.text('Headers'), SOON).toContain('Bearer of-the-user');
});

test('the documentation explorer lists the mutations and their arguments with their descriptions', async () => {
  const { address } = await startDemo();
  const { context } = await newBrowser();
  const { page, screenshot } = await openGraphiql(context, address);
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const documentation = page.locator('.graphiql-doc-explorer');
  await documentation.getByRole('link', { name: 'Mutation', exact: true }).click();
  await expect.poll(() => documentation.innerText(), SOON).toContain('Registers up to 100 tasks.');
  await documentation.getByRole('link', { name: 'createAccountTask', exact: true }).click();
  await expect.poll(() => documentation.innerText(), SOON).toContain("Registers a task on the caller's account.");
  await expect
    .poll(() => documentation.innerText(), SOON)
    .toContain('The same key with the same input creates one task');
  await screenshot('documentation');
});

test('an error shows the outcome of the task', async () => {
  const { address } = await startDemo();
  const { context } = await newBrowser();
  const graphiql = await openGraphiql(context, address);
  await expect.poll(() => graphiql.text('Operation Editor'), SOON).toContain('createAccountTask(');
  await graphiql.write('Operation Editor', ONE_LINE_EXAMPLE.replace(SAMPLE_TASK_ID, 'not-a-guid'));
  await graphiql.run();
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"message": "input.taskId: expected a GUID');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"code": "BAD_USER_INPUT"');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"outcome": "NOT_SENT"');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"requestId": "');
  await graphiql.screenshot('error');
});
