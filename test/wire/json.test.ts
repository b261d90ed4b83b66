import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { encodeAnswer, encodeRequest, readAnswerBody } from '../../src/wire/codec.ts';
import { answerWith, SAMPLE_DETAIL, TABLES, TASK } from '../support/contract-samples.ts';
import { bytesOf } from '../support/wire-texts.ts';

const read = (text: string) => readAnswerBody(bytesOf(text), 'application/json');
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('encodeRequest in JSON', () => {
  test("encodes a request like the contract's sample", () => {
    expect(encodeRequest('json', TASK, TABLES)).toBe(
      '{"TaskID":"86cb791c-8078-41ae-a045-5dded04c9589","Frequency":0,"StartDate":"2026-02-22T04:10:00.9543747+00:00",' +
        '"FinishDate":"2026-02-22T04:10:00.9543747+00:00","Parameters":"sample string 3","ContentType":"application/json","Notification":0}',
    );
  });

  test('leaves out fields that are not given', () => {
    const task: NewAccountTask = { ...TASK, StartDate: null, FinishDate: null, Notification: null };
    expect(Object.keys(JSON.parse(encodeRequest('json', task, TABLES)) as object)).toEqual([
      'TaskID',
      'Frequency',
      'Parameters',
      'ContentType',
    ]);
  });

  test('writes the name of an enum member whose number is unknown', () => {
    const tables = {
      frequencies: [...TABLES.frequencies, { name: 'YEARLY', number: 9 }],
      notifications: TABLES.notifications,
    };
    const encode = (Frequency: string) => JSON.parse(encodeRequest('json', { ...TASK, Frequency }, tables)) as object;
    expect(encode('HOURLY')).toMatchObject({ Frequency: 'HOURLY' });
    expect(encode('YEARLY')).toMatchObject({ Frequency: 9 });
    expect(encode('OTHER')).toMatchObject({ Frequency: 'OTHER' });
  });
});

describe('an answer in JSON', () => {
  test('encodeAnswer writes the order of the contract, nulls and unknown fields included', () => {
    const answer = {
      ResponseData: { Result: null, Detail: { Zone: 1, ClientID: null, ID: SAMPLE_DETAIL.ID }, Identification: null },
      Error: { ErrorReason: null, ErrorCode: 'E1' },
    };
    expect(encodeAnswer('json', answer)).toBe(
      '{"Error":{"ErrorCode":"E1","ErrorReason":null},"ResponseData":{"Identification":null,"Result":null,"Detail":{' +
        `"ID":"${SAMPLE_DETAIL.ID}","TaskID":null,"Name":null,"Enabled":null,"Frequency":null,"StartDate":null,"FinishDate":null,` +
        '"Parameters":null,"ContentType":null,"Notification":null,"DateCreated":null,"DateModified":null,"LastRunOn":null,' +
        '"LastRunBy":null,"LastModifiedBy":null,"Status":null,"ClientID":null,"Zone":1}}}',
    );
    expect(encodeAnswer('json', { Error: null, ResponseData: null })).toBe('{"Error":null,"ResponseData":null}');
  });

  test('readAnswerBody returns the tree that was encoded', () => {
    const answer = answerWith({ Extra: { list: [true, null, 'x'] } });
    expect(read(encodeAnswer('json', answer))).toEqual({ kind: 'tree', tree: answer });
  });

  test.each(['12345678901234567890.10', '1E400', '1.0', '-0', '1e21', '0.1', '7', '-12', '0.30000000000000004'])(
    'readAnswerBody keeps all digits of %s',
    (number) => {
      const text = `{"a":[${number},{"b":${number}}],"a2":"1.0"}`;
      const body = read(text);
      expect(body.kind).toBe('tree');
      expect(JSON.stringify(body.kind === 'tree' && body.tree)).toBe(text);
    },
  );

  test('readAnswerBody keeps the digits of any number, wherever it stands', () => {
    const numbers = fc.oneof(
      fc.stringMatching(/^-?(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,3})?(?:[eE][+-]?[0-9]{1,3})?$/),
      fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
    );
    const places = fc.constantFrom('', '[', '{"a":', '{"a" :\n', '[7,', '[7 , ', '{"b":[{}],"a":', '[[');
    fc.assert(
      fc.property(places, numbers, (start, number) => {
        const end = start.replace(/[^[{]/g, '').replaceAll('[', ']').replaceAll('{', '}');
        const body = read(`${start}${number}${start.startsWith('{"b"') ? '}' : end}`);
        expect(JSON.stringify(body.kind === 'tree' && body.tree)).toContain(number);
      }),
      { numRuns: 1_000 },
    );
  });

  test('readAnswerBody returns a plain number where a double prints the same digits', () => {
    expect(read('{"a":7,"b":1.5}')).toEqual({ kind: 'tree', tree: { a: 7, b: 1.5 } });
  });

  test('readAnswerBody returns the last of two members of the same name, even next to raw numbers', () => {
    expect(read('{"a":1.0,"a":2}')).toEqual({ kind: 'tree', tree: { a: 2 } });
  });
});

describe('invalid JSON', () => {
  test.each([
    ['{"a":1} x', 'is not JSON: syntax error at character 9'],
    ['{"a":1}{}', 'is not JSON: syntax error at character 8'],
    ['{"a":"secret', 'is not JSON: syntax error at character 13'],
    ['[1,', 'is not JSON'],
    ["{'a':1}", 'is not JSON: syntax error at character 2'],
    ['Service secret', 'is neither JSON nor XML'],
    ['TaskID=1&Frequency=0', 'is neither JSON nor XML'],
    ['\0\0', 'is neither JSON nor XML'],
  ])('a text that is not one JSON value is unreadable: %j', (text, problem) => {
    expect(read(text)).toEqual({ kind: 'unreadable', at: 'the answer', problem });
  });

  test('the problem of a syntax error does not quote the text', () => {
    expect(JSON.stringify(read('{"a":secret}'))).not.toContain('secret');
  });
});

describe('nested JSON', () => {
  test('JSON is read up to 64 levels of nesting', () => {
    expect(read(nested(64))).toHaveProperty('kind', 'tree');
    expect(read(nested(65))).toHaveProperty('problem', 'is nested more than 64 levels deep');
  });

  test('very deep JSON does not overflow the stack', () => {
    expect(read(nested(9_000))).toHaveProperty('problem', 'is nested more than 64 levels deep');
    expect(read(nested(200_000))).toHaveProperty('problem', 'contains more than 10000 values');
    expect(read('{"a":'.repeat(200_000))).toHaveProperty('kind', 'unreadable');
  });
});

test('a member named __proto__ is refused', () => {
  expect(read('{"ResponseData":{"Detail":{"__proto__":{"ID":"x"}}}}')).toEqual({
    kind: 'unreadable',
    at: 'the answer',
    problem: 'contains the name __proto__, which is not accepted',
  });
});

test.each(['', ' ', '\r\n\t ', '\uFEFF'])('the blank body %j is read as empty', (text) => {
  expect(read(text)).toEqual({ kind: 'empty' });
});
