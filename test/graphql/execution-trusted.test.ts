import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { type LaneRequest, post, startLanePair } from './execution-pair.ts';
import { runnableDocuments } from './document-texts.ts';

const CREATE =
  'mutation Create($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id detail } } }';
const READ = 'query Read($id: ID!) { accountTask(id: $id) { id name } } query Other { __typename }';

/** Generated with a fixed seed, so the same in every run. */
const generated = fc.sample(
  runnableDocuments(createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS })),
  { seed: 20_260_222, numRuns: 60 },
);
const texts = [...new Set([CREATE, READ, ...generated.map(({ query }) => query)])];
const folder = mkdtempSync(join(tmpdir(), 'trusted-pair-'));
const manifest = join(folder, 'manifest.json');
writeFileSync(manifest, JSON.stringify(Object.fromEntries(texts.map((text) => [hash(text), text]))));
const pair = await startLanePair({ TRUSTED_DOCUMENTS: manifest });
afterAll(async () => {
  await pair.close();
  rmSync(folder, { recursive: true });
});

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const persisted = (sha256Hash: unknown) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
const input = { ...SAMPLE_INPUT };
const get = (parameters: Record<string, string>): LaneRequest => ({
  method: 'GET',
  path: `graphql?${new URLSearchParams(parameters).toString()}`,
});

const TAKEN: Readonly<Record<string, LaneRequest>> = {
  'its hash as documentId': post({ documentId: hash(CREATE), variables: { input } }),
  'its hash as documentId, with the algorithm': post({ documentId: `sha256:${hash(CREATE)}`, variables: { input } }),
  'its hash in extensions.persistedQuery': post({ ...persisted(hash(CREATE)), variables: { input } }),
  'its hash in both': post({ documentId: hash(CREATE), ...persisted(hash(CREATE)), variables: { input } }),
  'its hash, with what Apollo Client adds': post({
    operationName: 'Create',
    variables: { input },
    extensions: { clientLibrary: { name: '@apollo/client' }, ...persisted(hash(CREATE)).extensions },
  }),
  'its hash, and is rejected': post({
    documentId: hash(CREATE),
    variables: { input: { ...input, parameters: '"reject"' } },
  }),
  'its hash, and fails': post({
    documentId: hash(CREATE),
    variables: { input: { ...input, parameters: '"defect"' } },
  }),
  'its hash, without credentials': post(
    { documentId: hash(CREATE), variables: { input } },
    { authorization: 'Bearer bad' },
  ),
  'its hash, and one of its operations': post({
    documentId: hash(READ),
    operationName: 'Read',
    variables: { id: SAMPLE_DETAIL.ID },
  }),
};
const LEFT: Readonly<Record<string, LaneRequest>> = {
  'its hash, with a bad variable': post({ documentId: hash(CREATE), variables: { input: { ...input, taskId: 1.5 } } }),
  'its hash, with no variables': post({ documentId: hash(CREATE) }),
  'its hash, and none of its operations': post({ documentId: hash(READ), operationName: 'Nope' }),
  'its hash, and an operation of two it does not name': post({ documentId: hash(READ) }),
  'an unknown hash': post({ documentId: hash('x') }),
  'an unknown hash in extensions': post(persisted(hash('x'))),
  'two hashes that differ': post({ documentId: hash(CREATE), ...persisted(hash(READ)) }),
  'no hash': post({ documentId: '' }),
  null: post({ documentId: null }),
  'a number': post({ documentId: 1 }),
  'extensions without a hash': post({ extensions: { persistedQuery: { version: 1 } } }),
  nothing: post({}),
  'its text': post({ query: CREATE, variables: { input } }),
  'its text beside its hash': post({ query: CREATE, documentId: hash(CREATE), variables: { input } }),
  'its text beside its hash in extensions': post({ query: CREATE, ...persisted(hash(CREATE)), variables: { input } }),
  'any text': post({ query: '{ __typename }' }),
  'an empty text': post({ query: '' }),
  'its hash and something else': post({ documentId: hash(CREATE), variables: { input }, id: 1 }),
  'its hash in a list': { body: JSON.stringify([{ documentId: hash(READ) }]) },
  'a hash by GET': get({ documentId: hash(READ), operationName: 'Other' }),
  'a hash in extensions by GET': get({
    extensions: JSON.stringify(persisted(hash(READ)).extensions),
    operationName: 'Read',
    variables: JSON.stringify({ id: SAMPLE_DETAIL.ID }),
  }),
  'the hash of a mutation by GET': get({ documentId: hash(CREATE), variables: JSON.stringify({ input }) }),
  'an unknown hash by GET': get({ documentId: hash('x') }),
  'a text by GET': get({ query: '{ __typename }' }),
  'its hash in the address of a POST': { path: `graphql?documentId=${hash(CREATE)}`, body: '{}' },
  'its hash, where the answer may only be HTML': post(
    { documentId: hash(READ), operationName: 'Other' },
    { accept: 'text/html' },
  ),
};

const BOTH = ['*/*', 'application/graphql-response+json'];

describe('the fast lane with trusted documents', () => {
  test.each(Object.entries({ ...TAKEN, ...LEFT }))(
    'a request by %s gets the answer that Yoga gives, byte for byte',
    async (_name, request) => {
      for (const accept of request.headers?.['accept'] ? [request.headers['accept']] : BOTH) {
        const { expected, first, second } = await pair.answersTo({
          ...request,
          headers: { ...request.headers, accept },
        });
        expect([first, second]).toEqual([expected, expected]);
      }
    },
  );

  test.each(Object.entries(TAKEN))('the fast lane answers a request by %s', async (_name, request) => {
    await pair.answersTo(request);
    const before = await pair.fastAnswers();
    await pair.answersTo(request);
    expect(await pair.fastAnswers()).toEqual({ fast: before.fast + 2, slow: 0 });
  });

  test.each(Object.entries(LEFT))('the fast lane leaves a request by %s to Yoga', async (_name, request) => {
    const before = await pair.fastAnswers();
    await pair.answersTo(request);
    expect(await pair.fastAnswers()).toEqual(before);
  });

  test('generated trusted documents get the answers that Yoga gives', async () => {
    const before = await pair.fastAnswers();
    for (const [at, { query, variables }] of generated.entries()) {
      const name = at % 2 === 0 ? { documentId: hash(query) } : persisted(hash(query));
      const { expected, first, second } = await pair.answersTo(post({ ...name, variables }));
      expect([first, second]).toEqual([expected, expected]);
    }
    expect((await pair.fastAnswers()).fast - before.fast).toBeGreaterThan(generated.length / 2);
  });
});
