import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interpretAnswer } from '../../src/contract/envelope.ts';
import { OPERATIONS } from '../../src/contract/operations.ts';
import { encodeAnswer, encodeRequest, mediaTypes, readAnswerBody, readRequest } from '../../src/wire/codec.ts';
import { answerWith, TABLES, TASK } from '../support/contract-samples.ts';
import { anyCharacter, bytesOf, utf16, texts } from '../support/wire-texts.ts';

const FORMATS = ['json', 'xml'] as const;

describe.each(FORMATS)('the %s codec', (format) => {
  test('Parameters are read from a request exactly as they were encoded', () => {
    fc.assert(
      fc.property(texts, (Parameters) => {
        fc.pre(Parameters.trim() !== '');
        const bytes = bytesOf(encodeRequest(format, { ...TASK, Parameters }, TABLES));
        expect(readRequest(format, bytes, TABLES)).toEqual({ kind: 'body', body: { ...TASK, Parameters } });
      }),
      { numRuns: 300 },
    );
  });

  test('Parameters are read from an answer exactly as they were encoded', () => {
    fc.assert(
      fc.property(texts, (Parameters) => {
        const bytes = bytesOf(encodeAnswer(format, answerWith({ Parameters })));
        const { accountTask } = interpretAnswer(
          OPERATIONS.create,
          200,
          readAnswerBody(bytes, mediaTypes[format]),
          TASK,
        );
        expect(accountTask.fields.Parameters).toBe(Parameters);
        expect(accountTask.detail['Parameters']).toBe(Parameters);
      }),
      { numRuns: 300 },
    );
  });
});

test('a request in JSON keeps any Parameters, even those that XML cannot carry', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (Parameters) => {
      fc.pre(Parameters.trim() !== '');
      const bytes = bytesOf(encodeRequest('json', { ...TASK, Parameters }, TABLES));
      expect(readRequest('json', bytes, TABLES)).toEqual({ kind: 'body', body: { ...TASK, Parameters } });
    }),
  );
});

test('the same answer in JSON and in XML gives the same created task', () => {
  const text = fc.option(texts, { nil: null });
  const details = fc.record({
    Name: text,
    Enabled: fc.option(fc.boolean(), { nil: null }),
    Frequency: text,
    StartDate: text,
    FinishDate: text,
    Parameters: text,
    Notification: text,
    LastRunOn: text,
    LastRunBy: text,
    Status: text,
    ClientID: fc.constantFrom(null, 'B83DFA0D57BB4EFC91D01A2F4F394D65'),
    Zone: text,
    Nested: fc.record({ A: texts, B: text }),
    List: fc.array(texts, { minLength: 2, maxLength: 3 }),
  });
  const errors = fc.option(
    fc.record({ ErrorCode: fc.constantFrom(null, '', ' '), ErrorReason: fc.constantFrom(null, '\t') }),
    {
      nil: null,
    },
  );
  const identifications = fc.option(fc.record({ UserId: text }), { nil: null });
  fc.assert(
    fc.property(details, errors, identifications, text, (detail, error, Identification, Result) => {
      const answer = answerWith(detail);
      const complete = {
        Error: error,
        ResponseData: { ...answer.ResponseData, Identification, Result },
      } as typeof answer;
      const [json, xml] = FORMATS.map((format) => {
        const body = readAnswerBody(bytesOf(encodeAnswer(format, complete)), mediaTypes[format]);
        return JSON.stringify(interpretAnswer(OPERATIONS.create, 200, body, TASK));
      });
      expect(xml).toBe(json);
    }),
    { numRuns: 200 },
  );
});

describe('detection by content', () => {
  const LABELS = [
    null,
    '',
    'text/json',
    'TEXT/XML; Charset=UTF-8',
    'application/json',
    'application/xml',
    'application/x-www-form-urlencoded',
    'text/html; charset=utf-8',
    'nonsense',
    'application/json; charset=utf-16',
  ];
  const answer = answerWith({ Name: 'é😀' });
  const task = { ...TASK, Parameters: 'é😀' };
  const encodings: readonly (readonly [string, (text: string) => Uint8Array])[] = [
    ['UTF-8', bytesOf],
    ['UTF-8 with BOM', (text) => bytesOf(`\uFEFF${text}`)],
    ['UTF-16LE', (text) => utf16(text, 'little', false)],
    ['UTF-16LE with BOM', (text) => utf16(text, 'little', true)],
    ['UTF-16BE', (text) => utf16(text, 'big', false)],
    ['UTF-16BE with BOM', (text) => utf16(text, 'big', true)],
    ['UTF-8 after blanks', (text) => bytesOf(`\r\n ${text}`)],
  ];
  const cases = FORMATS.flatMap((format) => encodings.map(([name, encode]) => [format, name, encode] as const));

  test.each(cases)('reads %s in %s, whatever the Content-Type says', (format, _, encode) => {
    for (const label of LABELS) {
      const body = readAnswerBody(encode(encodeAnswer(format, answer)), label);
      const { accountTask } = interpretAnswer(OPERATIONS.create, 200, body, task);
      expect(accountTask.fields.Name).toBe('é😀');
    }
    expect(readRequest(format, encode(encodeRequest(format, task, TABLES)), TABLES)).toEqual({
      kind: 'body',
      body: task,
    });
  });
});
