import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { interpretAnswer } from '../../src/contract/envelope.ts';
import { OPERATIONS } from '../../src/contract/operations.ts';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { encodeRequest, readAnswerBody, type WireFormat } from '../../src/wire/codec.ts';
import { startStoreGateway } from '../support/running-gateway.ts';
import { anyCharacter, texts } from '../support/wire-texts.ts';
import { type PlainRequest, send } from '../support/rest-client.ts';
import { formText, jsonText, TASK_ID, xmlText } from '../support/request-texts.ts';

const TABLES = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };
const LABELS = { json: 'application/json', xml: 'application/xml' } as const;

const gateway = await startStoreGateway();
afterAll(() => gateway.close());
const Authorization = `Bearer ${gateway.token}`;

const FORM = 'application/x-www-form-urlencoded';
const KNOWN_LABELS = ['application/json', 'text/json', 'application/xml', 'text/xml', FORM];
const ODD_LABELS = 'text/*|*/*|text/plain|garbage|application/json; charset=utf-16|text/xml;q=0|;|'.split('|');
const label = fc.oneof(fc.constantFrom(...KNOWN_LABELS, ...ODD_LABELS), fc.stringMatching(/^[ -~]{0,20}$/));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const headers = fc.record(
  {
    Accept: label,
    'Accept-Charset': fc.constantFrom('utf-16', '*', 'utf-16;q=0', ';;', ','),
    'X-Requested-With': fc.constantFrom('XMLHttpRequest', ''),
    'Idempotency-Key': fc.stringMatching(/^[ -~]{0,10}$/),
    Host: fc.constantFrom('h.example', '<&>', '"'),
  },
  { requiredKeys: [] },
);
const method = fc.constantFrom('POST', 'POST', 'POST', 'POST', 'GET', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH');
const path = fc.constantFrom(
  ...['', '', '', '', '/', '?a=<&>', '/x'].map((end) => `/api/v2/admin/tasks/account${end}`),
);
const literal = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.string({ unit: anyCharacter }).map((text) => JSON.stringify(text)),
  fc.constantFrom('0', '"DAILY"', `"${TASK_ID}"`, '"2026-02-22T04:10:00Z"', '1e400', '-0', '9'.repeat(400)),
);
const field = fc.constantFrom('TaskID', 'Frequency', 'StartDate', 'FinishDate', 'Parameters', 'ContentType', 'Other');
const valid = fc.constantFrom(
  ['application/json', jsonText()] as const,
  ['application/xml', xmlText()] as const,
  [FORM, formText()] as const,
);
const labelled: fc.Arbitrary<readonly [label: string, body: string | Uint8Array]> = fc.oneof(
  fc.tuple(label, fc.uint8Array({ maxLength: 40 })),
  fc.tuple(label, fc.string({ unit: anyCharacter })),
  fc.tuple(
    label,
    valid.map(([, text]) => text),
  ),
  fc.dictionary(field, literal, { maxKeys: 4 }).map((fields) => ['application/json', jsonText(fields)] as const),
  fc.dictionary(field, texts, { maxKeys: 4 }).map((fields) => ['text/xml', xmlText(fields)] as const),
  fc
    .dictionary(field, fc.string({ unit: anyCharacter }), { maxKeys: 4 })
    .map((fields) => [FORM, formText(fields)] as const),
  fc.tuple(valid, fc.nat(), fc.nat(255)).map(([[name, text], at, value]) => {
    const bytes = Buffer.from(text);
    return [name, bytes.with(at % bytes.length, value)] as const;
  }),
);

describe('no request', () => {
  test('crashes the endpoint, answers 500, or gets an answer that is not what its label says', async () => {
    const request: fc.Arbitrary<PlainRequest> = fc
      .record({ method, path, headers, labelled })
      .map(({ labelled: [name, body], ...others }) => ({
        ...others,
        headers: { 'Content-Type': name, ...others.headers },
        body,
      }));
    await fc.assert(
      fc.asyncProperty(request, async (given) => {
        const answer = await send(gateway.url, { ...given, headers: { Authorization, ...given.headers } });
        expect([200, 400, 404, 405, 409, 415]).toContain(answer.status);
        if (given.method === 'HEAD') return;
        const { kind } = readAnswerBody(answer.bytes, null);
        expect(kind).toBe('tree');
        const isXml = answer.text.startsWith('<');
        expect(answer.header('content-type')).toMatch(
          isXml ? /^(application|text)\/xml; charset=utf-(8|16)$/ : /^(application|text)\/json; charset=utf-(8|16)$/,
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('JSON, the store, XML and JSON again', () => {
  const parameters = fc.oneof(
    texts.map((text) => ({ Parameters: JSON.stringify(text), ContentType: 'application/json' as const })),
    fc
      .constantFrom('<a/>', '<a>&#65; \r\n</a>', '<!-- x --><a b="]]&gt;"/>', '<a><![CDATA[<&]]></a>')
      .map((text) => ({ Parameters: text, ContentType: 'application/xml' as const })),
  );
  const dates = fc.constantFrom(
    null,
    '2026-02-22T04:10:00.9543747+00:00',
    '0001-01-01T00:00:00Z',
    '9999-12-31T18:00:00-05:30',
  );
  const task: fc.Arbitrary<NewAccountTask> = fc
    .record({
      TaskID: fc.constant(TASK_ID),
      Frequency: fc.constantFrom(...TABLES.frequencies.map(({ name }) => name)),
      StartDate: dates,
      FinishDate: fc.constant(null),
      parameters,
      Notification: optional(fc.constantFrom(...TABLES.notifications.map(({ name }) => name))),
    })
    .map(({ parameters: text, ...others }) => ({ ...others, ...text }));

  test('give the same record', async () => {
    await fc.assert(
      fc.asyncProperty(task, async (given) => {
        const stored = await create(given, 'json', 'xml');
        expect(stored).toEqual({ ...given, Notification: given.Notification ?? 'NONE' });
        expect(await create(stored, 'xml', 'json')).toEqual(stored);
      }),
      { numRuns: 60 },
    );
  });

  /** The task as the answer's Detail has it. */
  async function create(given: NewAccountTask, sent: WireFormat, accepted: WireFormat): Promise<NewAccountTask> {
    const { status, bytes } = await send(gateway.url, {
      headers: { Authorization, 'Content-Type': LABELS[sent], Accept: LABELS[accepted] },
      body: encodeRequest(sent, given, TABLES),
    });
    const { detail } = interpretAnswer(
      OPERATIONS.create,
      status,
      readAnswerBody(bytes, LABELS[accepted]),
      given,
    ).accountTask;
    const fields = Object.keys(given) as readonly (keyof NewAccountTask)[];
    return Object.fromEntries(fields.map((name) => [name, detail[name]])) as unknown as NewAccountTask;
  }
});
