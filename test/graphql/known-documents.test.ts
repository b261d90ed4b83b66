import { buildSchema, type GraphQLResolveInfo } from 'graphql';
import { expect, test } from 'vitest';
import { createGraphqlEndpoint } from '../../src/graphql/graphql-endpoint.ts';
import { UnreadAnswers } from '../../src/schema/answer-budget.ts';
import { findRoute } from '../../src/http/request-handler.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRequestObservation } from '../../src/telemetry/request-record.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

const nobody = () => Promise.reject(new Error('Nothing is called.'));

/** An endpoint whose field tells which parsed document runs: each parse makes new nodes. */
function createTellingEndpoint() {
  const seen: object[] = [];
  const schema = buildSchema('type Query { known: String mine: String }');
  const { known } = schema.getQueryType()?.getFields() ?? {};
  if (known) known.resolve = (_source, _args, _context, { operation }: GraphQLResolveInfo) => void seen.push(operation);
  const metrics = createMetrics();
  const refusals: string[] = [];
  const endpoint = createGraphqlEndpoint({
    schema,
    tasks: partialTaskService({
      create: nobody,
      find: nobody,
      list: nobody,
      findOutcome: nobody,
    }),
    authenticate: nobody,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    metrics: { ...metrics, countRefusal: (limit) => void refusals.push(limit) },
    timeoutMs: 60_000,
    answers: new UnreadAnswers({
      maxAnswerBytes: 1e6,
      maxPendingAnswerBytes: 1e7,
      onRefused: () => undefined,
      exclusiveTurn: async () => undefined,
    }),
    batchConcurrency: 1,
    introspection: true,
    trusted: null,
  });
  const observation = createRequestObservation({ metrics: metrics.requests, requestLog: () => {}, tracing: null });
  const send = (query: string) => {
    const request = { method: 'POST', url: '/graphql', headers: {} };
    const head = { bodyType: 'application/json', answerType: 'application/json' } as const;
    const record = observation.begin(request, findRoute('/graphql'), 'same');
    return endpoint.answer(request, head, Buffer.from(JSON.stringify({ query })), record);
  };
  return {
    send,
    /** The limit of each time that a document was checked and refused. */
    refusals,
    /** Sends the document and returns true if it had to be parsed for this request. */
    isParsedFor: async (query: string): Promise<boolean> => {
      await send(query);
      return seen.indexOf(seen.at(-1) as object) === seen.length - 1;
    },
  };
}

const KNOWN = '{ known }';
/** A comment that makes a document as long as one that is kept may be. */
const LONG = 'x'.repeat(19_000);

test('a document is parsed for its first request only', async () => {
  const { isParsedFor } = createTellingEndpoint();
  expect(await isParsedFor(KNOWN)).toBe(true);
  expect(await isParsedFor(KNOWN)).toBe(false);
});

test('a document in use stays known, however many others are sent', async () => {
  const { send, isParsedFor } = createTellingEndpoint();
  await send(KNOWN);
  for (let number = 0; number < 60; number += 1) {
    await send(`{ mine } #${number}${LONG}`);
    expect(await isParsedFor(KNOWN)).toBe(false);
  }
});

test.each([
  ['documents that do not parse', (number: number) => `{ mine #${number}${LONG}`],
  [
    'documents beyond the limits',
    (number: number) => `{ ${`a${number}: mine @skip(if: false) `.repeat(60)} } #${LONG}`,
  ],
  ['documents that are too long to be kept', (number: number) => `{ mine } #${number}${'x'.repeat(90_000)}`],
  ['one and the same document', () => `{ mine } #${LONG}`],
])('%s do not evict a document, however many are sent', async (_what, make) => {
  const { send, isParsedFor } = createTellingEndpoint();
  await send(KNOWN);
  for (let number = 0; number < 60; number += 1) await send(make(number));
  expect(await isParsedFor(KNOWN)).toBe(false);
});

test('documents that have been parsed and validated evict one that is not in use', async () => {
  const { send, isParsedFor } = createTellingEndpoint();
  await send(KNOWN);
  for (let number = 0; number < 60; number += 1) await send(`{ mine } #${number}${LONG}`);
  expect(await isParsedFor(KNOWN)).toBe(true);
});

test('a document that is refused is checked once', async () => {
  const { send, refusals } = createTellingEndpoint();
  const { text } = await send(`{${' a: known'.repeat(101)} }`);
  expect(text).toContain('has more than 100 aliases');
  expect(refusals).toEqual(['document_aliases']);
});
