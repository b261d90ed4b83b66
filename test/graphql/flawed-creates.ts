import { brotliCompressSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { PlainRequest } from '../support/rest-client.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';

export const CREATE_DOCUMENT =
  'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }';

const ENCODERS = { gzip: gzipSync, br: brotliCompressSync, identity: (text: string) => Buffer.from(text) };

/** Generates the usual value as often as all others together. */
function often<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: others.length, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
}

function inAnyCase(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(texts, fc.nat({ max: 3 })).map(([text, kind]) => (kind === 0 ? text.toUpperCase() : text));
}

const blanks = fc.constantFrom('', '', ' ', '\t');
const typeParameters = fc
  .tuple(blanks, inAnyCase(often('q=1', 'q=0', 'q=0.5', 'q=x', 'charset=utf-8', 'charset="utf-16"', 'a=",;"')), blanks)
  .map(([before, text, after]) => `${before};${after}${text}`);

function mediaTypes(names: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(inAnyCase(names), fc.array(typeParameters, { maxLength: 2 }))
    .map(([name, all]) => name + all.join(''));
}

const answerTypes = mediaTypes(
  often(
    'application/json',
    'application/graphql-response+json',
    '*/*',
    'application/*',
    'text/html',
    'text/json',
    'application/xml',
    'text/event-stream',
    'multipart/mixed',
    'junk',
  ),
);
const bodyTypes = mediaTypes(
  often(
    'application/json',
    'application/graphql+json',
    'application/graphql',
    'application/x-www-form-urlencoded',
    'multipart/form-data;boundary=x',
    'text/plain',
    'text/json',
    'junk',
  ),
);
const graphqlParameters = fc.record({
  query: often<unknown>(
    CREATE_DOCUMENT,
    '{ __typename }',
    `${CREATE_DOCUMENT} {`,
    '{ nope }',
    'subscription { x }',
    '',
    1,
    undefined,
  ),
  variables: often<unknown>({ input: SAMPLE_INPUT }, { input: { ...SAMPLE_INPUT, frequency: 1 } }, {}, [], 'x'),
  operationName: often<unknown>(undefined, 'Nope', '', 1),
  extensions: often<unknown>(undefined, {}, { persistedQuery: { version: 1, sha256Hash: 'x' } }, 'x'),
  documentId: often<unknown>(undefined, 'x'),
});

function toForm(parameters: object): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, toText(value)])).toString();
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Generates creates at /graphql with any mistake a caller may make, and often without one. */
export function flawedCreates(authorization: string): fc.Arbitrary<PlainRequest> {
  return fc
    .record({
      method: often('POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PATCH'),
      accept: fc.option(fc.array(answerTypes, { maxLength: 3 }), { nil: undefined }),
      contentType: fc.option(bodyTypes, { nil: undefined }),
      encoding: often<keyof typeof ENCODERS | undefined>(undefined, 'gzip', 'br', 'identity'),
      isEncoded: fc.boolean(),
      credentials: often<Record<string, string>>({ authorization }, {}, { 'apollo-require-preflight': '1' }),
      origin: often<string | undefined>(undefined, 'https://evil.example'),
      parameters: graphqlParameters,
      shape: often<'json' | 'form' | 'query' | 'cut'>('json', 'form', 'query', 'cut'),
      search: often('', '?', '?x=1', 'the parameters'),
    })
    .map(({ method, accept, contentType, encoding, isEncoded, credentials, origin, parameters, shape, search }) => {
      const json = JSON.stringify(parameters);
      const form = toForm(parameters);
      const text = { json, form, query: toText(parameters.query), cut: json.slice(0, -1) }[shape];
      const headers = {
        ...credentials,
        ...(accept === undefined ? {} : { accept: accept.join(',') }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
        ...(origin === undefined ? {} : { origin }),
      };
      const body = encoding && isEncoded ? ENCODERS[encoding](text) : text;
      return { method, path: `/graphql${search === 'the parameters' ? `?${form}` : search}`, headers, body };
    });
}
