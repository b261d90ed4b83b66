import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { createExecutionPair, inAnyOrder, PAIR_SCHEMA, type PlainPost, post } from './execution-pair.ts';
import { runnableDocuments } from './document-texts.ts';

const CREATE =
  'mutation Create($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id detail } } }';
const READ = 'query Read($id: ID!) { accountTask(id: $id) { id name } } query Other { __typename }';

/** Generated with a fixed seed, so the same in every run. */
const generated = fc.sample(runnableDocuments(PAIR_SCHEMA), { seed: 20_260_222, numRuns: 60 });
const texts = [...new Set([CREATE, READ, ...generated.map(({ query }) => query)])];
const byHash = new Map(texts.map((text) => [hash(text), text]));
const pair = createExecutionPair({
  size: byHash.size,
  get: (id) => byHash.get(id.replace(/^sha256:/, '')),
});

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const persisted = (sha256Hash: unknown) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
const input = { ...SAMPLE_INPUT };
const TAKEN: Readonly<Record<string, PlainPost>> = {
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
const LEFT: Readonly<Record<string, PlainPost>> = {
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
  'its hash in a list': post([{ documentId: hash(READ) }]),
};

const TYPES = ['application/json', 'application/graphql-response+json'] as const;

describe('a plain JSON POST where documents are trusted', () => {
  test.each(Object.entries({ ...TAKEN, ...LEFT }))(
    'is answered byte for byte as Yoga answers a request by %s',
    async (_name, request) => {
      for (const answerType of TYPES) {
        const { expected, first, second } = await pair.answersTo({ ...request, answerType });
        expect([first, second]).toEqual([expected, expected]);
      }
    },
  );

  test.each(Object.entries(TAKEN))('runs the compiled plan for a request by %s', (_name, request) => {
    expect(pair.isCompiled(request)).toBe(true);
  });

  test.each(Object.entries(LEFT))('has no plan for a request by %s', (_name, request) => {
    expect(pair.isCompiled(request)).toBe(false);
  });

  test('gets the answers of Yoga for generated trusted documents', async () => {
    let compiled = 0;
    for (const [at, { query, variables }] of generated.entries()) {
      const name = at % 2 === 0 ? { documentId: hash(query) } : persisted(hash(query));
      const request = post({ ...name, variables });
      if (pair.isCompiled(request)) compiled += 1;
      const { expected, first, second } = await pair.answersTo(request);
      expect([first, second].map(inAnyOrder)).toEqual([expected, expected].map(inAnyOrder));
    }
    expect(compiled).toBeGreaterThan(generated.length / 2);
  });
});
