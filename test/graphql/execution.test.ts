import { describe, expect, test } from 'vitest';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { createExecutionPair, type PlainPost, post } from './execution-pair.ts';

const pair = createExecutionPair();

const create = (input: object, selection = 'accountTask { id startDate frequency detail } replayed') =>
  post({
    query: `mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { ${selection} } }`,
    variables: { input },
  });
const TWO = 'query A { __typename } query B($id: ID!) { accountTask(id: $id) { id } }';

const REQUESTS: Readonly<Record<string, PlainPost>> = {
  'a create': create(SAMPLE_INPUT),
  'a create without optional fields': create({
    taskId: SAMPLE_INPUT.taskId,
    frequency: 'DAILY',
    parameters: '1',
    contentType: 'APPLICATION_JSON',
  }),
  'a create that is rejected': create({ ...SAMPLE_INPUT, parameters: '"reject"' }),
  'a create that meets a defect': create({ ...SAMPLE_INPUT, parameters: '"defect"' }),
  'a create without credentials': { ...create(SAMPLE_INPUT), authorization: 'Bearer bad' },
  'a bad GUID': create({ ...SAMPLE_INPUT, taskId: 'x' }),
  'a bad enum': create({ ...SAMPLE_INPUT, frequency: 'NEVER' }),
  'a bad timestamp': create({ ...SAMPLE_INPUT, startDate: 'soon' }),
  'a missing field': create({ taskId: SAMPLE_INPUT.taskId }),
  'an unknown field': create({ ...SAMPLE_INPUT, colour: 'red' }),
  'no variables': post({
    query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }',
  }),
  'variables null': post({ query: '{ __typename }', variables: null }),
  'variables that are a list': post({ query: '{ __typename }', variables: [] }),
  'variables that are text': post({ query: '{ __typename }', variables: '{}' }),
  'variables nobody asked for': post({ query: '{ __typename }', variables: { a: 1 } }),
  'several errors in one answer': post({
    query: `mutation ($a: CreateAccountTaskInput!, $b: CreateAccountTaskInput!) {
      one: createAccountTask(input: $a) { replayed }
      two: createAccountTask(input: $b) { replayed }
    }`,
    variables: { a: { ...SAMPLE_INPUT, parameters: '"reject"' }, b: SAMPLE_INPUT },
  }),
  'an error with CR LF before it': post({ query: '\r\n\r\nquery {\r\n  accountTask(id: "x") { id }\r\n}' }),
  'errors in a list of nullable fields': post({
    query: '{ a: accountTask(id: "x") { id } b: accountTask(id: "y") { id } }',
  }),
  'a batch with everything in it': post({
    query: `mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { __typename
      ... on CreateAccountTaskPayload { accountTask { id } } ... on CreateAccountTaskFailure { code outcome message errorCode retryable } } }`,
    variables: {
      inputs: ['1', '"reject"', '"defect"'].map((parameters) => ({ input: { ...SAMPLE_INPUT, parameters } })),
    },
  }),
  'a batch that is nothing but failures': post({
    query:
      'mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { ...F ... on CreateAccountTaskResult { __typename } } } ' +
      'fragment F on CreateAccountTaskFailure { message outcome code }',
    variables: { inputs: [{ input: { ...SAMPLE_INPUT, parameters: '"defect"' } }] },
  }),
  'a batch of failures by their interface': post({
    query:
      'mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { ...F } } ' +
      'fragment F on WriteFailure { __typename code outcome message requestId ... on CreateAccountTaskFailure { retryable } }',
    variables: {
      inputs: ['1', '"reject"', '"defect"'].map((parameters) => ({ input: { ...SAMPLE_INPUT, parameters } })),
    },
  }),
  'an outcome': post({
    query: `{ a: writeOutcome(idempotencyKey: "1") { ...F } b: writeOutcome(idempotencyKey: "\\"reject\\"") { ...F } c: writeOutcome(idempotencyKey: "no") { ...F } }
      fragment F on WriteOutcome { operation state firstTriedAt expiresAt requestId settledBy accountTask { id detail } failure { code requestId } }`,
  }),
  'one item where a batch is asked for': post({
    query: 'mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { __typename } }',
    variables: { inputs: { input: SAMPLE_INPUT } },
  }),
  'an item of a batch that is null': post({
    query: 'mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { __typename } }',
    variables: { inputs: [{ input: SAMPLE_INPUT }, null] },
  }),
  'more creates than one request may ask for': post({
    query: 'mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { __typename } }',
    variables: { inputs: Array.from({ length: 101 }, () => ({ input: SAMPLE_INPUT })) },
  }),
  'an input that is a list': create([]),
  'an input that is text': create('{}' as unknown as object),
  'literals and a default in the document': post({
    query: `mutation ($key: String = "k", $on: ParametersContentType = APPLICATION_JSON) { createAccountTask(idempotencyKey: $key, input: {
      taskId: "${SAMPLE_INPUT.taskId}", frequency: NONE, parameters: "1", contentType: $on }) { accountTask { id } } }`,
  }),
  'a variable inside an input that is not given': post({
    query: `mutation ($start: DateTime) { createAccountTask(input: {
      taskId: "${SAMPLE_INPUT.taskId}", frequency: NONE, parameters: "1", contentType: APPLICATION_JSON, startDate: $start }) { replayed } }`,
  }),
  'an argument whose variable is not given': post({
    query: 'query ($n: Int) { accountTasks(first: $n) { edges { cursor } } }',
  }),
  'a nullable variable where a default takes its place': post({
    query: 'query ($id: ID = "x") { accountTask(id: $id) { id } }',
    variables: { id: null },
  }),
  'text that JSON escapes': create(
    { ...SAMPLE_INPUT, parameters: '"reject"' },
    'accountTask { a: id b: detail } result',
  ),
  'a document with too many tokens': post({ query: `{ ${'__typename '.repeat(10_001)} }` }),
  'a document that is nested too deep': post({ query: `${'{ a '.repeat(101)}${'}'.repeat(101)}` }),
  'a query': post({ query: `{ accountTask(id: "${SAMPLE_DETAIL.ID}") { id task { id } client { id } } }` }),
  'a page': post({
    query: '{ accountTasks(first: 1) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }',
  }),
  'a default of a variable': post({ query: 'query ($n: Int = 1) { accountTasks(first: $n) { edges { cursor } } }' }),
  'a null over a default': post({
    query: 'query ($n: Int = 1) { accountTasks(first: $n) { edges { cursor } } }',
    variables: { n: null },
  }),
  'a float for an Int': post({
    query: 'query ($n: Int) { accountTasks(first: $n) { edges { cursor } } }',
    variables: { n: 1.5 },
  }),
  'a number for an ID': post({ query: 'query ($id: ID!) { accountTask(id: $id) { id } }', variables: { id: 12 } }),
  '@skip and @include': post({
    query: 'query ($a: Boolean!) { x: __typename @skip(if: $a) y: __typename @include(if: $a) }',
    variables: { a: true },
  }),
  fragments: post({
    query: `query { accountTask(id: "${SAMPLE_DETAIL.ID}") { ...F ... on AccountTask { id name } } } fragment F on AccountTask { id status }`,
  }),
  'aliases and merged fields': post({
    query: `{ a: accountTask(id: "${SAMPLE_DETAIL.ID}") { x: id } a: accountTask(id: "${SAMPLE_DETAIL.ID}") { y: name } }`,
  }),
  'a union by way of an inline fragment on the union itself': post({
    query: `mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) {
      ... on CreateAccountTaskResult { ... on CreateAccountTaskFailure { outcome } ... on CreateAccountTaskPayload { replayed } } } }`,
    variables: { inputs: [{ input: SAMPLE_INPUT }, { input: { ...SAMPLE_INPUT, parameters: '"reject"' } }] },
  }),
  'a directive on a fragment and on a spread': post({
    query: `query ($on: Boolean = true) { accountTask(id: "${SAMPLE_DETAIL.ID}") { ... @include(if: $on) { id } ...F @skip(if: $on) } }
      fragment F on AccountTask { name }`,
  }),
  'a task that is null': post({ query: '{ accountTask(id: "ffffffff-ffff-4fff-8fff-ffffffffffff") { id } }' }),
  'fields that are null': post({
    query: `{ accountTask(id: "${SAMPLE_DETAIL.ID}") { frequency notification lastRunOn lastRunBy } }`,
  }),
  'a document with too many aliases': post({
    query: `{ ${Array.from({ length: 101 }, (_, at) => `a${at}: __typename`).join(' ')} }`,
  }),
  'a document with too many directives': post({ query: `{ __typename ${'@skip(if: false) '.repeat(51)} }` }),
  'a document that costs too much': post({
    query: `{ ${Array.from({ length: 99 }, (_, at) => `a${at}: accountTasks(first: 100) { edges { node { id name } } }`).join(' ')} }`,
  }),
  'a document that selects too deep': post({
    query: `{ accountTask(id: "x") ${'{ a '.repeat(21)} ${'}'.repeat(21)} }`,
  }),
  'a name of a document where any text runs': post({ documentId: 'x' }),
  'a hash beside the text': post({
    query: '{ __typename }',
    extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } },
  }),
  'the first of two operations': post({ query: TWO, operationName: 'A' }),
  'the second of two operations': post({ query: TWO, operationName: 'B', variables: { id: SAMPLE_DETAIL.ID } }),
  'an operation that is not there': post({ query: TWO, operationName: 'C' }),
  'no operation of two': post({ query: TWO }),
  'an operation name that is empty': post({ query: '{ __typename }', operationName: '' }),
  'an operation name that is null': post({ query: '{ __typename }', operationName: null }),
  'an operation name that is a number': post({ query: '{ __typename }', operationName: 1 }),
  extensions: post({ query: '{ __typename }', extensions: { a: 1 } }),
  'an unknown parameter': post({ query: '{ __typename }', id: 1 }),
  introspection: post({
    query: '{ __schema { queryType { name } types { name kind } } __type(name: "Query") { name } }',
  }),
  entities: post({
    query: 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on AccountTask { id } } }',
    variables: {
      r: [
        { __typename: 'AccountTask', id: SAMPLE_DETAIL.ID },
        { __typename: 'AccountTask', id: 'x' },
        { __typename: 'Nope' },
      ],
    },
  }),
  'the subgraph': post({ query: '{ _service { sdl } }' }),
  'a subscription': post({ query: 'subscription { __typename }' }),
  'a syntax error': post({ query: '{' }),
  'an invalid document': post({ query: '{ nope }' }),
  'no query': post({}),
  'a query that is a number': post({ query: 1 }),
  'a list of requests': post('[{"query":"{ __typename }"}]'),
  null: post('null'),
  'no JSON': post('{'),
  'no body': post(''),
  'a BOM': post('\ufeff{"query":"{ __typename }"}'),
  'a duplicate member': post('{"query":"{ nope }","query":"{ __typename }"}'),
  __proto__: post('{"query":"{ __typename }","__proto__":{"variables":{}}}'),
  ...Object.fromEntries(
    ([null, [], 'x', { clientLibrary: 1 }, { other: 1 }, { clientLibrary: {}, persistedQuery: {} }] as const).map(
      (extensions) => [
        `the extensions ${JSON.stringify(extensions)}`,
        post({ query: '{ __typename }', variables: {}, extensions }),
      ],
    ),
  ),
  ...Object.fromEntries(
    Object.entries({
      'an answer': post({ query: '{ __typename }' }),
      'an error': create({ ...SAMPLE_INPUT, parameters: '"reject"' }),
      'a bad variable': create({ ...SAMPLE_INPUT, startDate: 1 }),
      'an argument that is too large': post({
        query: 'query ($n: Int) { accountTasks(first: $n) { edges { cursor } } }',
        variables: { n: 101 },
      }),
      'an invalid document': post({ query: '{ nope }' }),
      'no document': post({}),
    }).map(([name, request]) => [
      `${name} in application/graphql-response+json`,
      { ...request, answerType: 'application/graphql-response+json' as const },
    ]),
  ),
};

describe('a plain JSON POST', () => {
  test.each(Object.entries(REQUESTS))('is answered byte for byte as Yoga answers %s', async (_name, request) => {
    const { expected, first, second } = await pair.answersTo(request);
    expect(first).toEqual(expected);
    expect(second).toEqual(expected);
  });

  test.each([
    'a create',
    'a create that is rejected',
    'a create that meets a defect',
    'a bad GUID',
    'several errors in one answer',
    'a query',
    'fragments',
    'aliases and merged fields',
    'a batch with everything in it',
    'a batch of failures by their interface',
    'a page',
    'an outcome',
    'entities',
    'literals and a default in the document',
    'the second of two operations',
    'an error in application/graphql-response+json',
    'the extensions {"clientLibrary":1}',
  ])('runs the compiled plan of %s', (name) => {
    expect(pair.isCompiled(REQUESTS[name] as PlainPost)).toBe(true);
  });
});
