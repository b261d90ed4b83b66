import { parse, validate } from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/app/config.ts';
import { exampleTabs } from '../../src/app/example-tabs.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { startStoreGateway } from '../support/running-gateway.ts';

const TITLES = [
  'CreateAccountTask',
  'CreateOnceWithAKey',
  'ListAccountTasks',
  'CreateABatch',
  'FailureAsData',
  'UnknownOutcome',
  'WhatBecameOfIt',
  'FederationService',
];
const FAULTY = new Set(['FailureAsData', 'UnknownOutcome', 'WhatBecameOfIt']);

test.each([
  ['the demo', {}, TITLES],
  ['a demo that requires keys', { REQUIRE_IDEMPOTENCY_KEY: 'on' }, TITLES],
  [
    'a demo in front of a service, where no fault can be provoked,',
    { UPSTREAM_URL: 'https://service.example/' },
    TITLES.filter((title) => !FAULTY.has(title)),
  ],
])('the tabs of %s are valid and begin with a comment that fits its line', (_what, env, titles) => {
  const config = readConfig(env, 'demo');
  const schema = createSchema(config);
  const tabs = exampleTabs(config);
  for (const tab of tabs) {
    expect(tab).toMatch(/^# .{20,58}\.\n(?:mutation|query) \w+ /);
    expect(validate(schema, parse(tab))).toEqual([]);
  }
  expect(tabs.map((tab) => /^(?:mutation|query) (\w+)/m.exec(tab)?.[1])).toEqual(titles);
});

test('the tabs run where keys are required', async () => {
  const env = { REQUIRE_IDEMPOTENCY_KEY: 'on' };
  const gateway = await startStoreGateway({ env });
  onTestFinished(() => gateway.close());
  for (const query of exampleTabs(readConfig(env, 'demo'))) {
    const { json } = await gateway.graphql({ query });
    expect(json.errors).toBeUndefined();
    expect(JSON.stringify(json.data)).not.toContain('"code":"BAD_USER_INPUT"');
  }
});
