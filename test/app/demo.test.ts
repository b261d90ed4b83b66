import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { type Environment, readConfig } from '../../src/app/config.ts';
import { demoBanner, SAMPLE_MUTATION, withSampleKey } from '../../src/app/demo.ts';

const GRAPHIQL = 'GraphiQL, with a working example:  http://127.0.0.1:4000/graphql\n';

function bannerOf(env: Environment): string {
  return demoBanner(new URL('http://127.0.0.1:4000/'), 'Bearer abc', readConfig(env, 'demo'));
}

test('the banner offers GraphiQL and a command that sends a document', () => {
  const banner = bannerOf({});
  expect(banner).toContain(GRAPHIQL);
  expect(banner).toContain(`-d '{"query":"mutation { createAccountTask(`);
  expect(banner).toContain('Tasks are stored in data/gateway.db.');
});

test('the banner does not offer GraphiQL if it is off', () => {
  const banner = bannerOf({ GRAPHIQL: 'off' });
  expect(banner).not.toContain('GraphiQL');
  expect(banner).toContain(`-d '{"query":"mutation`);
});

test('the banner offers no document that TRUSTED_DOCUMENTS refuses', () => {
  const banner = bannerOf({ TRUSTED_DOCUMENTS: 'documents.json' });
  expect(banner).not.toMatch(/GraphiQL|mutation/);
  expect(banner).toContain(`-d '{"documentId":"<a hash in documents.json>"}'`);
});

test('the examples have a key where creates without one are refused', () => {
  const env = { REQUIRE_IDEMPOTENCY_KEY: 'on' };
  expect(bannerOf(env)).toMatch(/createAccountTask\(idempotencyKey: \\"[-\w]{36}\\" input: {/);
  const example = withSampleKey(SAMPLE_MUTATION, readConfig(env, 'demo'));
  expect(parse(example)).toBeDefined();
  expect(example).toMatch(/\(\s+idempotencyKey: "[-\w]{36}"\s+input: /);
  expect(withSampleKey(SAMPLE_MUTATION, readConfig({}, 'demo'))).toBe(SAMPLE_MUTATION);
});

test('the banner names the service that creates are sent to', () => {
  expect(bannerOf({ UPSTREAM_URL: 'https://service.example/base' })).toContain(
    'Creates are sent to https://service.example/base/.',
  );
});
