import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { type DocumentRequest, documentTexts } from './document-texts.ts';
import { createExecutionPair, inAnyOrder, PAIR_SCHEMA, post } from './execution-pair.ts';

/** To try more documents: `DOCUMENT_RUNS=20000 DOCUMENT_SEED=7 npx vitest run test/graphql/execution-documents.test.ts` */
const RUNS = Number(process.env['DOCUMENT_RUNS'] ?? 300);
const SEED = Number(process.env['DOCUMENT_SEED'] ?? 20_260_222);
const LONG_MS = Math.max(240_000, RUNS * 200);

const pair = createExecutionPair();

const documents = documentTexts(PAIR_SCHEMA, {
  leaves: {
    ID: { good: [SAMPLE_DETAIL.ID, SAMPLE_INPUT.taskId], bad: ['x', '', 12, 1.5] },
    String: {
      good: ['"reject"', '"defect"', '1', SAMPLE_INPUT.parameters],
      bad: ['<a/>', '\u2028', 'x'.repeat(256)],
    },
  },
  rightInTen: 7,
});

/** Mistakes that callers make with the variables of a document. */
const CHANGES: readonly ((variables: DocumentRequest['variables'], name: string) => object)[] = [
  (variables) => variables,
  (variables) => variables,
  (variables) => variables,
  (variables) => ({ ...variables, extra: [{ a: 1 }] }),
  (variables, name) => Object.fromEntries(Object.entries(variables).filter(([other]) => other !== name)),
  (variables, name) => ({ ...variables, [name]: null }),
  (variables, name) => ({ ...variables, [name]: 'x'.repeat(20_000) }),
  (variables, name) => ({ ...variables, [name]: Object.fromEntries(numbers(4_000).map((at) => [`k${at}`, at])) }),
  (variables, name) => ({ ...variables, [name]: numbers(4_000) }),
  (variables, name) => ({ ...variables, [name]: [[variables[name]]] }),
  (variables, name) => ({ ...variables, [name]: { ...(variables[name] as object), nope: 1 } }),
];

function numbers(length: number): readonly number[] {
  return Array.from({ length }, (_, at) => at);
}

test(`compiled plans answer documents and variables of any make as Yoga and graphql-js do (seed ${SEED})`, {
  timeout: LONG_MS,
}, async () => {
  const changed = fc
    .tuple(documents, fc.constantFrom(...CHANGES), fc.nat({ max: 9 }))
    .map(([{ query, variables }, change, at]) => {
      const names = Object.keys(variables);
      return { query, variables: change(variables, names[at % names.length] ?? 'none') };
    });
  const answerType = fc.constantFrom('application/json', 'application/graphql-response+json');
  const authorization = fc.constantFrom('Bearer a', 'Bearer a', 'Bearer a', 'Bearer bad');
  let compiled = 0;
  await fc.assert(
    fc.asyncProperty(changed, answerType, authorization, async (body, type, credentials) => {
      const request = post(body, { answerType: type, authorization: credentials });
      if (pair.isCompiled(request)) compiled += 1;
      const { expected, first, second } = await pair.answersTo(request);
      expect([first, second].map(inAnyOrder)).toEqual([expected, expected].map(inAnyOrder));
      const run = await pair.dataOf(request);
      expect(run?.compiled).toEqual(run?.byGraphqlJs);
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
  // The test would prove nothing if no document had a plan.
  expect(compiled).toBeGreaterThan(RUNS / 4);
});

/** graphql-js alone takes tens of seconds for these, since it looks for a suggestion for each and quotes all of them. */
test.each([
  ['an input with 4,000 unknown fields', Object.fromEntries(numbers(4_000).map((at) => [`taskIx${at}`, at]))],
  ['a batch of 100 items that are not objects', numbers(100)],
])('%s is refused after its first few problems', async (_what, value) => {
  const query = Array.isArray(value)
    ? 'mutation ($value: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $value) { __typename } }'
    : 'mutation ($value: CreateAccountTaskInput!) { createAccountTask(input: $value) { replayed } }';
  const { expected, first, second } = await pair.answersTo(post({ query, variables: { value } }));
  expect([first, second]).toEqual([expected, expected]);
  const { errors } = JSON.parse(expected.text) as { errors: { message: string }[] };
  expect(errors.map(({ message }) => message)).toHaveLength(6);
  expect(errors.at(-1)?.message).toContain('Too many errors');
});
