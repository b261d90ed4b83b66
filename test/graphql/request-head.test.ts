import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { type PlainAnswer, type PlainRequest, send } from '../support/rest-client.ts';
import {
  type GraphqlAnswer,
  type RunningGateway,
  SAMPLE_INPUT,
  startGateway,
  startStoreGateway,
} from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';
import { CREATE_DOCUMENT, flawedCreates } from './flawed-creates.ts';

const service = await startRestService();
const upstream = { UPSTREAM_URL: service.url.href, RECORD: 'off' };
const store = await startStoreGateway();
const authorization = `Bearer ${store.token}`;

interface Site {
  readonly gateway: RunningGateway;
  /** The number of creates that were sent, or of tasks stored. */
  readonly countCreates: () => Promise<number>;
}

const sentCreates = async () => service.requests.length;
const SITES: Readonly<Record<string, Site>> = {
  'to the service': {
    gateway: await startGateway(openBackend, { mode: 'serve', env: upstream }),
    countCreates: sentCreates,
  },
  'to the store': {
    gateway: store,
    async countCreates() {
      const { json } = await store.graphql({ query: '{ accountTasks(first: 100) { edges { cursor } } }' });
      return (json.data as unknown as { accountTasks: { edges: unknown[] } }).accountTasks.edges.length;
    },
  },
};
afterAll(async () => {
  await Promise.all(Object.values(SITES).map(({ gateway }) => gateway.close()));
  await service.close();
});

const BODY = JSON.stringify({ query: CREATE_DOCUMENT, variables: { input: SAMPLE_INPUT } });

function ask({ gateway }: Site, request: PlainRequest): Promise<PlainAnswer> {
  return send(gateway.url, { path: '/graphql', ...request });
}

/** Sends a create in JSON with this Accept header. */
function createAccepting(site: Site, accept: string | null): Promise<PlainAnswer> {
  const headers = { 'content-type': 'application/json', authorization, ...(accept === null ? {} : { accept }) };
  return ask(site, { headers, body: BODY });
}

const JSON_TYPE = 'application/json; charset=utf-8';
const GRAPHQL_TYPE = 'application/graphql-response+json; charset=utf-8';

const ACCEPTED = [
  [null, JSON_TYPE],
  ['', JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  ['application/json, text/plain, */*', JSON_TYPE],
  ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', JSON_TYPE],
  ['APPLICATION/JSON ;\tCHARSET="UTF-8"', JSON_TYPE],
  ['application/json;q=0.5;charset=utf-8', JSON_TYPE],
  ['application/json, application/graphql-response+json', JSON_TYPE],
  ['application/graphql-response+json;q=0.1, application/json;q=0.2', JSON_TYPE],
  ['application/graphql-response+json;q=0, */*', JSON_TYPE],
  ['multipart/mixed;deferSpec=20220824,application/json', JSON_TYPE],
  ['application/graphql-response+json', GRAPHQL_TYPE],
  ['application/graphql-response+json, application/json', GRAPHQL_TYPE],
  ['application/graphql-response+json,application/json;q=0.9', GRAPHQL_TYPE],
  ['application/json;q=0.9,application/graphql-response+json', GRAPHQL_TYPE],
  ['application/json;q=0, application/*', GRAPHQL_TYPE],
  [
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    GRAPHQL_TYPE,
  ],
] as const;

const NOT_ACCEPTABLE = [
  'text/json',
  'text/plain',
  'text/html',
  'application/xml',
  'application/graphql+json',
  'text/event-stream',
  'multipart/mixed',
  'application/json;q=0',
  'application/json;q=0.0, text/*',
  '*/*;q=0',
  'application/json;charset=utf-16',
  'text/plain;a=", application/json"',
  'json',
  'constructor',
];

describe.each(Object.entries(SITES))('%s', (_name, site) => {
  test.each(ACCEPTED)('a create with Accept %s runs and is answered in %s', async (accept, type) => {
    for (const _ of ['at first', 'again']) {
      const before = await site.countCreates();
      const answer = await createAccepting(site, accept);
      expect(answer).toMatchObject({ status: 200, text: '{"data":{"createAccountTask":{"replayed":false}}}' });
      expect(answer.header('content-type')).toBe(type);
      expect(await site.countCreates()).toBe(before + 1);
    }
  });

  test.each(NOT_ACCEPTABLE)('a create with Accept %s is refused with 406 before it runs', async (accept) => {
    const before = await site.countCreates();
    const { status, text } = await createAccepting(site, accept);
    expect({ status, json: JSON.parse(text) as unknown }).toMatchObject({
      status: 406,
      json: { errors: [{ extensions: { code: 'BAD_REQUEST', outcome: 'NOT_SENT', retryable: false } }] },
    });
    expect(await site.countCreates()).toBe(before);
  });
});

describe('the body of a create', () => {
  const site = SITES['to the service'] as Site;
  const form = new URLSearchParams({
    query: CREATE_DOCUMENT,
    variables: JSON.stringify({ input: SAMPLE_INPUT }),
  }).toString();

  test.each([
    ['application/json', BODY],
    ['Application/JSON', BODY],
    ['application/json ; charset=utf-8', BODY],
    ['application/json;\tversion=1;CHARSET="utf-8"', BODY],
    ['application/json, application/json', BODY],
    ['APPLICATION/GRAPHQL+JSON ;charset=utf-8', BODY],
    ['application/x-www-form-urlencoded ; charset=utf-8', form],
    ['Application/X-WWW-Form-URLEncoded', form],
  ])('a body of Content-Type %s is read', async (type, body) => {
    const answer = await ask(site, { headers: { 'content-type': type, authorization }, body });
    expect(answer).toMatchObject({ status: 200, text: '{"data":{"createAccountTask":{"replayed":false}}}' });
  });

  test.each(['text/json', 'multipart/form-data; boundary=x', 'text/plain', 'application/jsonp', 'json', ''])(
    'a body of Content-Type "%s" is refused with the accepted types',
    async (type) => {
      const before = await site.countCreates();
      const headers = { 'content-type': type, 'apollo-require-preflight': '1' };
      const answer = await ask(site, { headers, body: BODY });
      expect({ status: answer.status, json: JSON.parse(answer.text) as unknown }).toMatchObject({
        status: 415,
        json: { errors: [{ extensions: { code: 'BAD_REQUEST', outcome: 'NOT_SENT' } }] },
      });
      expect(answer.header('accept-post')).toContain('application/json');
      expect(await site.countCreates()).toBe(before);
    },
  );
});

test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])(
  'the method %s is refused with the allowed methods',
  async (method) => {
    for (const site of Object.values(SITES)) {
      const answer = await ask(site, { method, headers: { 'content-type': 'application/json' }, body: BODY });
      expect({ status: answer.status, json: JSON.parse(answer.text) as unknown }).toMatchObject({
        status: 405,
        json: { errors: [{ extensions: { code: 'BAD_REQUEST', outcome: 'NOT_SENT' } }] },
      });
      expect(answer.header('allow')).toBe('GET, POST');
    }
  },
);

/** Returns the first way in which an answer breaks the rules; null if it keeps them. */
function findBreach(answer: PlainAnswer, method: string | undefined, created: number): string | null {
  const { status, header, text } = answer;
  const type = header('content-type');
  if (type !== JSON_TYPE && type !== GRAPHQL_TYPE) return `the type ${type}`;
  if (status >= 200 && status < 300) {
    const { data, errors } = JSON.parse(text) as GraphqlAnswer;
    if (created !== (data?.['createAccountTask'] ? 1 : 0)) return `${created} creates`;
    return data !== undefined || (type === JSON_TYPE && errors?.length) ? null : 'neither data nor errors in JSON';
  }
  if (created > 0) return `status ${status}, and a create`;
  if (method === 'HEAD') return null;
  const [error] = (JSON.parse(text) as GraphqlAnswer).errors ?? [];
  const { code, outcome, requestId } = error?.extensions ?? {};
  const isComplete = typeof code === 'string' && outcome === 'NOT_SENT' && requestId === header('x-request-id');
  return isComplete ? null : `a refusal without code, outcome or requestId: ${text}`;
}

describe.each(Object.entries(SITES))('flawed requests %s', (name, site) => {
  test('any flawed create answered with a status other than 2xx has not run, and its body says so', {
    timeout: 120_000,
  }, async () => {
    const statuses = new Set<number>();
    let creates = 0;
    await fc.assert(
      fc.asyncProperty(flawedCreates(authorization), async (request) => {
        const before = await site.countCreates();
        const answer = await ask(site, request);
        const created = (await site.countCreates()) - before;
        statuses.add(answer.status);
        creates += created;
        expect(findBreach(answer, request.method, created)).toBeNull();
      }),
      // The tasks in the store are counted on a single page.
      { seed: 20_260_222, numRuns: name === 'to the store' ? 150 : 500, endOnFailure: true },
    );
    expect(creates).toBeGreaterThan(3);
    expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 403, 405, 406, 415]));
  });
});
