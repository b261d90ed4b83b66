import { describe, expect, test } from 'vitest';
import { unknownMembers as unknownMembersOf } from '../../src/upstream/answer-content.ts';
import type { AnswerBody } from '../../src/contract/envelope.ts';
import type { JsonValue } from '../../src/contract/json-value.ts';
import { ACCOUNT_TASK_ANSWER } from '../../src/contract/operations.ts';
import { encodeAnswer, readAnswerBody } from '../../src/wire/codec.ts';
import { answerWith } from '../support/contract-samples.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';

const SAMPLE = answerWith({ LastRunOn: null });

function unknownMembers(body: AnswerBody): readonly string[] {
  return unknownMembersOf(body, ACCOUNT_TASK_ANSWER);
}

function unknownOf(tree: JsonValue): readonly string[] {
  return unknownMembers({ kind: 'tree', tree });
}

function withDetail(detail: JsonValue): JsonValue {
  return { Error: null, ResponseData: { Identification: { UserId: 'u' }, Result: 'r', Detail: detail } };
}

describe('unknown members of an answer', () => {
  test.each(['json', 'xml'] as const)("the contract's own sample in %s has no unknown members", (format) => {
    const body = readAnswerBody(Buffer.from(encodeAnswer(format, SAMPLE)), `application/${format}`);
    expect(body.kind).toBe('tree');
    expect(unknownMembers(body)).toEqual([]);
  });

  test('unknown members are found in every part of an envelope, with their paths', () => {
    const tree = {
      Warning: 1,
      Error: { ErrorCode: 'c', ErrorReason: 'r', ErrorHint: 'h' },
      ResponseData: {
        Page: null,
        Identification: { UserId: 'u', Tenant: 't' },
        Detail: { ...SAMPLE_DETAIL, Colour: 'blue', Nested: { ID: 1 } },
      },
    };
    expect(unknownOf(tree)).toEqual([
      'Warning',
      'Error.ErrorHint',
      'ResponseData.Page',
      'ResponseData.Identification.Tenant',
      'ResponseData.Detail.Colour',
      'ResponseData.Detail.Nested',
    ]);
  });

  test('unknown members are found in XML in the same places', () => {
    const text = encodeAnswer('xml', SAMPLE).replace('<Detail>', '<Detail><Colour>blue</Colour>');
    expect(unknownMembers(readAnswerBody(Buffer.from(text), 'application/xml'))).toEqual([
      'ResponseData.Detail.Colour',
    ]);
  });

  test('members that differ only in case are known, because they are read in any case', () => {
    const detail = Object.fromEntries(
      Object.entries(SAMPLE_DETAIL).map(([name, value]) => [name.toLowerCase(), value]),
    );
    expect(unknownOf(withDetail(detail))).toEqual([]);
  });

  test.each<readonly [string, JsonValue]>([
    ['a framework message', { Message: 'm', ExceptionMessage: 'e' }],
    ['a list', [{ Error: null }]],
    ['a string', 'Error'],
  ])('unknown members are not reported for %s', (_, tree) => {
    expect(unknownOf(tree)).toEqual([]);
  });

  test.each<readonly [string, JsonValue]>([
    ['a Detail that is a string', withDetail('text')],
    ['no Detail', withDetail(null)],
    ['ResponseData that is a string', { ResponseData: '' }],
    ['an Error that is a string', { Error: 'text' }],
  ])('unknown members are not searched in %s', (_, tree) => {
    expect(unknownOf(tree)).toEqual([]);
  });

  test('an unreadable answer has no unknown members', () => {
    expect(unknownMembers({ kind: 'empty' })).toEqual([]);
    expect(unknownMembers({ kind: 'unreadable', at: 'a', problem: 'p' })).toEqual([]);
  });
});
