import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { type GatewaySettings, startStoreGateway, type StoreGateway } from '../support/running-gateway.ts';
import { documentTexts } from './document-texts.ts';
import { openRaw, parseAnswers, type ParsedAnswer, toRequestText } from '../support/raw-connection.ts';
import { anyCharacter } from '../support/wire-texts.ts';

/** The number of cases per property. To try more: `FUZZ_RUNS=20000 FUZZ_SEED=7 npx vitest run test/graphql/fuzz.test.ts` */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 150);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_222);
const LONG_MS = Math.max(240_000, RUNS * 100);

const production: GatewaySettings = { mode: 'serve', env: { LOG_LEVEL: 'silent' } };
const gateways = {
  'in the demo': await startStoreGateway(),
  'in production': await startStoreGateway(production),
};
afterAll(() => Promise.all(Object.values(gateways).map((gateway) => gateway.close())));

const documents = documentTexts(
  createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS }),
);

/** A text with some characters removed, inserted or replaced. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat({ max: 4 }),
    fc.string({ unit: anyCharacter, maxLength: 3 }),
  );
  return fc.tuple(text, fc.array(change, { maxLength: 3 })).map(([whole, changes]) =>
    changes.reduce((changing, [place, taken, put]) => {
      const index = Math.floor(place * changing.length);
      return changing.slice(0, index) + put + changing.slice(index + taken);
    }, whole),
  );
}

const FACTS = { seed: SEED, numRuns: RUNS, endOnFailure: true } as const;

/** Returns why an answer shows a fault of the gateway (a 5xx, a defect, or a body that is not JSON); null if it does not. */
function findFault(status: number, body: string, sent: unknown): string | null {
  const exchanged = `${status} ${body.slice(0, 500)} to ${JSON.stringify(sent)?.slice(0, 2_000)}`;
  if (status >= 500 || !(status >= 100)) return `a failure: ${exchanged}`;
  if (body.includes('"code":"INTERNAL_SERVER_ERROR"')) return `a defect: ${exchanged}`;
  try {
    JSON.parse(body || '{}');
    return null;
  } catch {
    return `not JSON: ${exchanged}`;
  }
}

/** Sends bytes on a new connection, since a reused one may be closed at the same moment. */
async function exchange({ url }: StoreGateway, bytes: Buffer): Promise<readonly ParsedAnswer[]> {
  const { socket, closed } = openRaw(url, bytes);
  socket.setTimeout(LONG_MS, () => socket.destroy());
  return parseAnswers(await closed);
}

async function ask(
  gateway: StoreGateway,
  text: string,
  accept = '*/*',
): Promise<{ readonly fault: string | null; readonly body: string }> {
  const sent = Buffer.from(text);
  const head = [
    'POST /graphql HTTP/1.1',
    'Host: x',
    'Content-Type: application/json',
    `Authorization: Bearer ${gateway.token}`,
    `Accept: ${accept}`,
    `Content-Length: ${sent.length}`,
    'Connection: close',
  ];
  const [answer] = await exchange(gateway, Buffer.concat([Buffer.from(toRequestText(head)), sent]));
  const body = Buffer.from(answer?.body ?? '', 'latin1').toString();
  return { fault: findFault(answer?.status ?? NaN, body, text), body };
}

describe.each(Object.entries(gateways))(`fuzzing with seed ${SEED}, %s`, (_name, gateway) => {
  test('the gateway answers generated documents, twice each', { timeout: LONG_MS }, async () => {
    let valid = 0;
    await fc.assert(
      fc.asyncProperty(documents, async (document) => {
        const body = JSON.stringify(document);
        const answer = await ask(gateway, body);
        expect(answer.fault).toBeNull();
        expect((await ask(gateway, body, 'application/graphql-response+json')).fault).toBeNull();
        if ('data' in (JSON.parse(answer.body) as object)) valid += 1;
      }),
      FACTS,
    );
    // The test would prove nothing if no document ran.
    expect(valid).toBeGreaterThan(RUNS / 20);
  });

  test('the gateway answers damaged documents and damaged JSON', { timeout: LONG_MS }, async () => {
    const body = fc.oneof(
      damaged(documents.map(({ query }) => query)).map((query) => JSON.stringify({ query })),
      damaged(documents.map((document) => JSON.stringify(document))),
      fc.anything({ maxDepth: 3 }).map((value) => JSON.stringify(value) ?? ''),
      fc
        .record(
          { query: fc.anything(), variables: fc.anything(), operationName: fc.anything(), extensions: fc.anything() },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        expect((await ask(gateway, text)).fault).toBeNull();
      }),
      FACTS,
    );
  });

  test('the gateway answers any bytes and any headers', { timeout: LONG_MS }, async () => {
    const name = fc.constantFrom(
      'accept',
      'content-type',
      'origin',
      'authorization',
      'x-request-id',
      'host',
      'cookie',
      'set-cookie',
      'expect',
      'upgrade',
      'te',
      'content-encoding',
      'if-none-match',
      'range',
      'connection',
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
      fc.constantFrom(
        '*/*',
        'text/html',
        'application/json',
        'application/json;charset=utf-16',
        'multipart/form-data',
        'application/graphql',
        'text/event-stream',
        'multipart/mixed',
        'close',
        'keep-alive',
        'Upgrade',
        'websocket',
        '100-continue',
        'gzip',
        `Bearer ${gateway.token}`,
        'null',
        ';',
        ',',
        '\u00ff',
      ),
    );
    const path = fc.oneof(
      fc.constantFrom(
        '/graphql',
        '/graphql?query={__typename}',
        '/Token',
        '/api/v2/admin/tasks/account',
        '/health',
        '/',
        '*',
        '//',
      ),
      fc.webPath(),
      fc.string({ unit: 'binary-ascii', maxLength: 20 }).map((text) => `/graphql?query=${text}`),
      fc.webQueryParameters().map((parameters) => `/graphql?${parameters}&variables={`),
    );
    const request = fc.tuple(
      fc.constantFrom('GET', 'POST', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'X'),
      path,
      fc.array(fc.tuple(name, value), { maxLength: 6 }),
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        documents.map((document) => Buffer.from(JSON.stringify(document))),
      ),
    );
    await fc.assert(
      fc.asyncProperty(request, async ([method, target, headers, body]) => {
        const head = [
          `${method} ${target} HTTP/1.1`,
          'Host: x',
          ...headers.map(([key, text]) => `${key}: ${text}`),
          `Content-Length: ${body.length}`,
          'Connection: close',
        ];
        const bytes = Buffer.concat([Buffer.from(toRequestText(head), 'latin1'), body]);
        const answers = await exchange(gateway, bytes);
        const sent = bytes.toString('latin1');
        expect(answers.length > 0 ? '' : sent).toBe('');
        for (const { status, headers: given, body: text } of answers) {
          const isJson = given.get('content-type')?.includes('json');
          expect(findFault(status, isJson ? Buffer.from(text, 'latin1').toString() : '{}', sent)).toBeNull();
        }
      }),
      FACTS,
    );
  });

  test('the gateway still answers after fuzzing', async () => {
    expect((await gateway.graphql({ query: '{ __typename }' })).json.data).toEqual({ __typename: 'Query' });
  });
});
