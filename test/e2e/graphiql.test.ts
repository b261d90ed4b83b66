import type { Response } from 'playwright-core';
import { afterAll, expect, test, vi } from 'vitest';
import { readConfig } from '../../src/app/config.ts';
import { SAMPLE_MUTATION, SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { startServing } from '../../src/app/serving.ts';
import { launchChromium, showFailures } from './support/chromium.ts';
import { openGraphiql } from './support/graphiql-page.ts';

const ONE_LINE_EXAMPLE = SAMPLE_MUTATION.replace(/^#.*$/m, '').replaceAll(/\s+/g, ' ').trim();
/** Long, because the page is large and the machine may be busy. */
const SOON = { timeout: 60_000, interval: 200 };
const START_DATE = '"startDate": "2026-02-22T04:10:00.9543747+00:00"';

vi.setConfig({ testTimeout: 240_000 });

// One page for all tests, because the browser needs seconds to load GraphiQL.
const browser = await launchChromium();
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
context.setDefaultTimeout(SOON.timeout);
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
let demo = await startDemo();
const graphiql = await openGraphiql(await context.newPage(), demo.address);
showFailures(graphiql.page);
afterAll(async () => {
  await browser.close();
  await demo.close();
});

async function startDemo(env: Readonly<Record<string, string>> = {}) {
  const config = readConfig({ DATABASE_URL: 'sqlite::memory:', LOG_LEVEL: 'silent', PORT: '0', ...env }, 'demo');
  const serving = await startServing(config, 'demo');
  const [, authorization = ''] = /^Authorization: (Bearer \S+)$/m.exec(serving.banner ?? '') ?? [];
  return { authorization, address: serving.address, close: () => serving.close({ drainMs: 0 }) };
}

test('GraphiQL runs its example with its header, and makes no request to another origin', async () => {
  await expect.poll(() => graphiql.text('Headers'), SOON).toContain(`"Authorization": "${demo.authorization}"`);
  await graphiql.run();
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain(START_DATE);
  expect(requests.length).toBeGreaterThan(2);
  expect(requests.filter((url) => new URL(url).origin !== demo.address.origin)).toEqual([]);
  // The browser enforces the policy and would log a violation.
  expect(await answers[0]?.allHeaders()).toMatchObject({
    'content-encoding': 'gzip',
    'content-security-policy': expect.stringContaining("default-src 'none'") as unknown,
    etag: expect.stringMatching(/^".+"$/) as unknown,
  });
  expect(complaints).toEqual([]);
});

/** Runs the tab again while GraphiQL still looks for the operation of the last tab; it sends nothing then. */
async function answerOfThisTab(): Promise<string> {
  const shown = await graphiql.text('Result Window');
  if (shown.includes('Cannot infer operation')) await graphiql.run();
  return shown;
}

test('every tab runs as it stands', async () => {
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
    await graphiql.selectTab(index);
    await expect.poll(() => graphiql.text('Operation Editor'), SOON).toContain(title);
    await graphiql.run();
    await expect.poll(answerOfThisTab, SOON).toMatch(answer);
  }
});

test('the documentation explorer lists the mutations and their arguments with their descriptions', async () => {
  const { page } = graphiql;
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const documentation = page.locator('.graphiql-doc-explorer');
  await documentation.getByRole('link', { name: 'Mutation', exact: true }).click();
  await expect.poll(() => documentation.innerText(), SOON).toContain('Registers up to 100 tasks.');
  await documentation.getByRole('link', { name: 'createAccountTask', exact: true }).click();
  await expect.poll(() => documentation.innerText(), SOON).toContain("Registers a task on the caller's account.");
  await expect
    .poll(() => documentation.innerText(), SOON)
    .toContain('The same key with the same input creates one task');
});

test('an error shows the outcome of the task', async () => {
  await graphiql.selectTab(0);
  await expect.poll(() => graphiql.text('Operation Editor'), SOON).toContain('createAccountTask(');
  await graphiql.write('Operation Editor', ONE_LINE_EXAMPLE.replace(SAMPLE_TASK_ID, 'not-a-guid'));
  await graphiql.run();
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"message": "input.taskId: expected a GUID');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"code": "BAD_USER_INPUT"');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"outcome": "NOT_SENT"');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"requestId": "');
});

test('a header that the user wrote survives a reload and a restart of the demo', async () => {
  await graphiql.selectTab(0);
  await expect.poll(() => graphiql.text('Headers'), SOON).toContain(demo.authorization);
  await graphiql.write('Operation Editor', ONE_LINE_EXAMPLE);
  await graphiql.write('Headers', '{ "Authorization": "Bearer of-the-user" }');
  await graphiql.run();
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('"code": "UNAUTHENTICATED"');
  await expect.poll(() => graphiql.text('Result Window'), SOON).toContain('get a new one');
  await demo.close();
  demo = await startDemo({ PORT: demo.address.port });
  await graphiql.reload();
  await expect.poll(() => graphiql.text('Headers'), SOON).toContain('Bearer of-the-user');
});
