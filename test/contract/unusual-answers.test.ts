import { describe, expect, test } from 'vitest';
import { type CreatedAccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { JsonObject, JsonValue } from '../../src/contract/json-value.ts';
import { readAnswerBody } from '../../src/wire/codec.ts';
import { meaningOf, SENT_TASK_ID, tree } from '../support/meaning.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';

const rawNumber = (digits: string): JsonValue =>
  (JSON as unknown as { rawJSON(text: string): JsonValue }).rawJSON(digits);
const withDetail = (change: JsonObject): JsonObject => ({
  ResponseData: { Detail: { ...SAMPLE_DETAIL, ...change } },
});
const complete: JsonObject = { Detail: SAMPLE_DETAIL };

function created(answer: JsonValue): CreatedAccountTask {
  const meaning = meaningOf(200, tree(answer));
  if (meaning instanceof TaskFailure) throw meaning;
  return meaning;
}

const TEXT_FIELDS = Object.keys(SAMPLE_DETAIL).filter((field) => field !== 'Enabled');
const NUMBER_FIELDS = ['Frequency', 'Notification'];

describe('an answer that breaks the contract', () => {
  const broken: readonly (readonly [string, JsonValue, string])[] = [
    ['a text as Error', { Error: 'refused', ResponseData: complete }, 'Error is not an object'],
    ['a list as Error', { Error: [], ResponseData: complete }, 'Error is not an object'],
    ['false as Error', { Error: false, ResponseData: complete }, 'Error is not an object'],
    ['a number kept raw as Error', { Error: rawNumber('1e400'), ResponseData: complete }, 'Error is not an object'],
    ['a number as ErrorCode', { Error: { ErrorCode: 5 }, ResponseData: complete }, 'Error.ErrorCode is not text'],
    ['an object as ErrorReason', { Error: { ErrorCode: 'E', ErrorReason: {} } }, 'Error.ErrorReason is not text'],
    ['null as ResponseData', { ResponseData: null }, 'ResponseData is missing'],
    ['an empty text as ResponseData', { ResponseData: '' }, 'ResponseData is missing'],
    ['a text as ResponseData', { ResponseData: 'ok' }, 'ResponseData is not an object'],
    ['a list as ResponseData', { ResponseData: [complete] }, 'ResponseData is not an object'],
    ['no Detail', { ResponseData: {} }, 'ResponseData.Detail is missing'],
    ['a list as Detail', { ResponseData: { Detail: [SAMPLE_DETAIL] } }, 'ResponseData.Detail is not an object'],
    ['a number as Result', { ResponseData: { ...complete, Result: 7 } }, 'ResponseData.Result is not text'],
    [
      'a text as Identification',
      { ResponseData: { ...complete, Identification: 'me' } },
      'ResponseData.Identification is not an object',
    ],
    [
      'a number as UserId',
      { ResponseData: { ...complete, Identification: { UserId: 7 } } },
      'ResponseData.Identification.UserId is not text',
    ],
    ['null as ID', withDetail({ ID: null }), 'ResponseData.Detail.ID is missing'],
    ['a blank ID', withDetail({ ID: ' ' }), 'ResponseData.Detail.ID is missing'],
    ['an all-zero ID', withDetail({ ID: '00000000-0000-0000-0000-000000000000' }), 'ResponseData.Detail.ID is missing'],
    ['32 zeros in braces as ID', withDetail({ ID: `{${'0'.repeat(32)}}` }), 'ResponseData.Detail.ID is not a GUID'],
    ['32 zeros as ID', withDetail({ ID: '0'.repeat(32) }), 'ResponseData.Detail.ID is missing'],
    ['a word as ID', withDetail({ ID: 'new' }), 'ResponseData.Detail.ID is not a GUID'],
    ['a word as TaskID', withDetail({ TaskID: 'x' }), 'ResponseData.Detail.TaskID is not a GUID'],
    ['a word as ClientID', withDetail({ ClientID: 'x' }), 'ResponseData.Detail.ClientID is not a GUID'],
    ['a text as Enabled', withDetail({ Enabled: 'true' }), 'ResponseData.Detail.Enabled is not true or false'],
    ['a number as Enabled', withDetail({ Enabled: 1 }), 'ResponseData.Detail.Enabled is not true or false'],
    ['true as Frequency', withDetail({ Frequency: true }), 'ResponseData.Detail.Frequency is not text'],
    ...TEXT_FIELDS.filter((field) => !NUMBER_FIELDS.includes(field)).flatMap((field) => [
      [`a number as ${field}`, withDetail({ [field]: 5 }), `ResponseData.Detail.${field} is not text`] as const,
      [
        `a number kept raw as ${field}`,
        withDetail({ [field]: rawNumber('1.0') }),
        `ResponseData.Detail.${field} is not text`,
      ] as const,
    ]),
    ...TEXT_FIELDS.map(
      (field) =>
        [`an object as ${field}`, withDetail({ [field]: {} }), `ResponseData.Detail.${field} is not text`] as const,
    ),
  ];
  test.each(broken)('an answer with %s is unreadable, and the message names the place', (_, answer, place) => {
    expect(meaningOf(200, tree(answer))).toMatchObject({
      code: 'UPSTREAM_UNREADABLE',
      outcome: 'UNKNOWN',
      message: `The service's answer (HTTP 200) cannot be read: ${place}; the task may have been created.`,
    });
  });

  test('the problem that the parser found is part of the message', () => {
    const meaning = meaningOf(201, { kind: 'unreadable', at: 'byte 7', problem: 'is not UTF-8' });
    expect((meaning as TaskFailure).message).toContain('cannot be read: byte 7 is not UTF-8;');
  });
});

describe('an answer that is unusual but complete', () => {
  test('field names in another case are read and stay unchanged in detail', () => {
    const detail = Object.fromEntries(
      Object.entries(SAMPLE_DETAIL).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const { accountTask, Identification, Result } = created({
      ERROR: null,
      responsedata: { DETAIL: detail, result: 'r', identification: { userid: 'u' } },
    });
    expect(accountTask.fields).toStrictEqual(SAMPLE_DETAIL);
    expect(accountTask.detail).toStrictEqual(detail);
    expect([Identification, Result]).toStrictEqual([{ UserId: 'u' }, 'r']);
  });

  test('an Error in another case takes precedence over a complete Detail', () => {
    const meaning = meaningOf(200, tree({ error: { errorcode: 'E', errorreason: 'no' }, ResponseData: complete }));
    expect(meaning).toMatchObject({ code: 'TASK_REJECTED', errorCode: 'E', errorReason: 'no' });
  });

  test('a field with the exact name takes precedence over one in another case', () => {
    const { accountTask } = created(withDetail({ name: 'other' }));
    expect(accountTask.fields.Name).toBe(SAMPLE_DETAIL.Name);
  });

  test('only ID and TaskID are required, and any other missing field is null', () => {
    const { ID, TaskID } = SAMPLE_DETAIL;
    const { accountTask, Identification, Result } = created({ ResponseData: { Detail: { ID, TaskID } } });
    expect(accountTask).toMatchObject({ ID, TaskID, ClientID: null, detail: { ID, TaskID } });
    const nulls = Object.fromEntries(Object.keys(SAMPLE_DETAIL).map((name) => [name, null]));
    expect(accountTask.fields).toStrictEqual({ ...nulls, ID, TaskID });
    expect([Identification, Result]).toStrictEqual([null, null]);
  });

  test.each([null, '', ' \n', undefined])('the TaskID that was sent stands in for a TaskID of %j', (TaskID) => {
    const { accountTask } = created(withDetail({ TaskID }));
    expect(accountTask).toMatchObject({ ID: SAMPLE_DETAIL.ID, TaskID: SENT_TASK_ID, detail: { TaskID: SENT_TASK_ID } });
    expect(Object.keys(accountTask.detail).toSorted()).toStrictEqual(Object.keys(SAMPLE_DETAIL).toSorted());
  });

  test.each(['constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'a member named %s stays in detail and leaves objects as they are',
    (name) => {
      const body = readAnswerBody(Buffer.from(JSON.stringify(withDetail({ [name]: { polluted: true } }))), null);
      const { accountTask } = meaningOf(200, body) as CreatedAccountTask;
      expect(Object.getOwnPropertyDescriptor(accountTask.detail, name)?.value).toEqual({ polluted: true });
      expect(JSON.stringify(accountTask.detail)).toContain(`"${name}":{"polluted":true}`);
      expect({}).not.toHaveProperty('polluted');
    },
  );

  test.each([null, '', ' ', undefined])('an Identification of %j is read as null', (Identification) => {
    expect(created({ ResponseData: { ...complete, Identification } }).Identification).toBeNull();
  });

  test('GUIDs in other formats become canonical in the task and stay unchanged in detail', () => {
    const ID = ` {${SAMPLE_DETAIL.ID.toUpperCase()}} `;
    const { accountTask } = created(withDetail({ ID, ClientID: '' }));
    expect([accountTask.ID, accountTask.ClientID]).toStrictEqual([SAMPLE_DETAIL.ID, null]);
    expect([accountTask.detail['ID'], accountTask.fields.ID]).toStrictEqual([ID, ID]);
  });

  test.each(NUMBER_FIELDS)('%s can be a number, even one that a double cannot represent', (field) => {
    const raw = rawNumber('12345678901234567890');
    for (const value of [0, -1, 1.5, raw]) {
      const { accountTask } = created(withDetail({ [field]: value }));
      expect(accountTask.fields).toMatchObject({ [field]: value });
      expect(accountTask.detail[field]).toBe(value);
    }
  });

  test('unknown members and raw numbers stay in detail digit by digit', () => {
    const detail = { ...SAMPLE_DETAIL, Retries: rawNumber('1.00'), Extra: { deep: [null, 'x'] } };
    const { accountTask } = created({ ResponseData: { Detail: detail } });
    expect(accountTask.detail).toBe(detail);
    expect(JSON.stringify(accountTask.detail)).toContain('"Retries":1.00,"Extra":{"deep":[null,"x"]}');
  });

  test('a StartDate that is not a date is kept as text', () => {
    expect(created(withDetail({ StartDate: 'soon' })).accountTask.fields.StartDate).toBe('soon');
  });

  test('inherited members of an object are not read', () => {
    expect(readAccountTask({}, 'Detail')).toStrictEqual({ at: 'Detail.ID', problem: 'is missing' });
    const inherited = Object.create(SAMPLE_DETAIL) as JsonObject;
    expect(readAccountTask(inherited, 'Detail')).toStrictEqual({ at: 'Detail.ID', problem: 'is missing' });
  });
});
