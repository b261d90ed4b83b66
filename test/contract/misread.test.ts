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
const whole: JsonObject = { Detail: SAMPLE_DETAIL };

function created(answer: JsonValue): CreatedAccountTask {
  const meaning = meaningOf(200, tree(answer));
  if (meaning instanceof TaskFailure) throw meaning;
  return meaning;
}

const TEXT_FIELDS = Object.keys(SAMPLE_DETAIL).filter((field) => field !== 'Enabled');
const NUMBER_FIELDS = ['Frequency', 'Notification'];

describe('an answer that is not what the contract says names the place', () => {
  const misreads: readonly (readonly [string, JsonValue, string])[] = [
    ['Error a text', { Error: 'refused', ResponseData: whole }, 'Error is not an object'],
    ['Error a list', { Error: [], ResponseData: whole }, 'Error is not an object'],
    ['Error false', { Error: false, ResponseData: whole }, 'Error is not an object'],
    ['Error a number kept raw', { Error: rawNumber('1e400'), ResponseData: whole }, 'Error is not an object'],
    ['ErrorCode a number', { Error: { ErrorCode: 5 }, ResponseData: whole }, 'Error.ErrorCode is not text'],
    ['ErrorReason an object', { Error: { ErrorCode: 'E', ErrorReason: {} } }, 'Error.ErrorReason is not text'],
    ['ResponseData null', { ResponseData: null }, 'ResponseData is missing'],
    ['ResponseData empty text', { ResponseData: '' }, 'ResponseData is missing'],
    ['ResponseData a text', { ResponseData: 'ok' }, 'ResponseData is not an object'],
    ['ResponseData a list', { ResponseData: [whole] }, 'ResponseData is not an object'],
    ['Detail absent', { ResponseData: {} }, 'ResponseData.Detail is missing'],
    ['Detail a list', { ResponseData: { Detail: [SAMPLE_DETAIL] } }, 'ResponseData.Detail is not an object'],
    ['Result a number', { ResponseData: { ...whole, Result: 7 } }, 'ResponseData.Result is not text'],
    [
      'Identification a text',
      { ResponseData: { ...whole, Identification: 'me' } },
      'ResponseData.Identification is not an object',
    ],
    [
      'UserId a number',
      { ResponseData: { ...whole, Identification: { UserId: 7 } } },
      'ResponseData.Identification.UserId is not text',
    ],
    ['ID null', withDetail({ ID: null }), 'ResponseData.Detail.ID is missing'],
    ['ID blank', withDetail({ ID: ' ' }), 'ResponseData.Detail.ID is missing'],
    ['ID all zero', withDetail({ ID: '00000000-0000-0000-0000-000000000000' }), 'ResponseData.Detail.ID is missing'],
    ['ID all zero in braces', withDetail({ ID: `{${'0'.repeat(32)}}` }), 'ResponseData.Detail.ID is not a GUID'],
    ['ID all zero, plain', withDetail({ ID: '0'.repeat(32) }), 'ResponseData.Detail.ID is missing'],
    ['ID a word', withDetail({ ID: 'new' }), 'ResponseData.Detail.ID is not a GUID'],
    ['TaskID a word', withDetail({ TaskID: 'x' }), 'ResponseData.Detail.TaskID is not a GUID'],
    ['ClientID a word', withDetail({ ClientID: 'x' }), 'ResponseData.Detail.ClientID is not a GUID'],
    ['Enabled a text', withDetail({ Enabled: 'true' }), 'ResponseData.Detail.Enabled is not true or false'],
    ['Enabled a number', withDetail({ Enabled: 1 }), 'ResponseData.Detail.Enabled is not true or false'],
    ['Frequency true', withDetail({ Frequency: true }), 'ResponseData.Detail.Frequency is not text'],
    ...TEXT_FIELDS.filter((field) => !NUMBER_FIELDS.includes(field)).flatMap((field) => [
      [`${field} a number`, withDetail({ [field]: 5 }), `ResponseData.Detail.${field} is not text`] as const,
      [
        `${field} a number kept raw`,
        withDetail({ [field]: rawNumber('1.0') }),
        `ResponseData.Detail.${field} is not text`,
      ] as const,
    ]),
    ...TEXT_FIELDS.map(
      (field) =>
        [`${field} an object`, withDetail({ [field]: {} }), `ResponseData.Detail.${field} is not text`] as const,
    ),
  ];
  test.each(misreads)('%s', (_, answer, place) => {
    expect(meaningOf(200, tree(answer))).toMatchObject({
      code: 'UPSTREAM_UNREADABLE',
      outcome: 'UNKNOWN',
      message: `The service's answer (HTTP 200) cannot be read: ${place}. The task may have been created.`,
    });
  });

  test("the wire's own reason is passed on", () => {
    const meaning = meaningOf(201, { kind: 'unreadable', at: 'byte 7', problem: 'is not UTF-8' });
    expect((meaning as TaskFailure).message).toContain('cannot be read: byte 7 is not UTF-8.');
  });
});

describe('an answer that is unusual but whole', () => {
  test('names in another case are read, and detail keeps them as they came', () => {
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

  test('a set error in another case still wins over a whole Detail', () => {
    const meaning = meaningOf(200, tree({ error: { errorcode: 'E', errorreason: 'no' }, ResponseData: whole }));
    expect(meaning).toMatchObject({ code: 'TASK_REJECTED', errorCode: 'E', errorReason: 'no' });
  });

  test('the exact name wins over one in another case', () => {
    const { accountTask } = created(withDetail({ name: 'other' }));
    expect(accountTask.fields.Name).toBe(SAMPLE_DETAIL.Name);
  });

  test('only ID and TaskID are needed, and what is absent is null', () => {
    const { ID, TaskID } = SAMPLE_DETAIL;
    const { accountTask, Identification, Result } = created({ ResponseData: { Detail: { ID, TaskID } } });
    expect(accountTask).toMatchObject({ ID, TaskID, ClientID: null, detail: { ID, TaskID } });
    const nulls = Object.fromEntries(Object.keys(SAMPLE_DETAIL).map((name) => [name, null]));
    expect(accountTask.fields).toStrictEqual({ ...nulls, ID, TaskID });
    expect([Identification, Result]).toStrictEqual([null, null]);
  });

  test.each([null, '', ' \n', undefined])('TaskID %j is taken to be the one that was sent', (TaskID) => {
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

  test.each([null, '', ' ', undefined])('Identification %j is none', (Identification) => {
    expect(created({ ResponseData: { ...whole, Identification } }).Identification).toBeNull();
  });

  test('GUIDs in other forms become canonical in the record and stay as they came in detail', () => {
    const ID = ` {${SAMPLE_DETAIL.ID.toUpperCase()}} `;
    const { accountTask } = created(withDetail({ ID, ClientID: '' }));
    expect([accountTask.ID, accountTask.ClientID]).toStrictEqual([SAMPLE_DETAIL.ID, null]);
    expect([accountTask.detail['ID'], accountTask.fields.ID]).toStrictEqual([ID, ID]);
  });

  test.each(NUMBER_FIELDS)('%s may be a number, also one no double holds', (field) => {
    const raw = rawNumber('12345678901234567890');
    for (const value of [0, -1, 1.5, raw]) {
      const { accountTask } = created(withDetail({ [field]: value }));
      expect(accountTask.fields).toMatchObject({ [field]: value });
      expect(accountTask.detail[field]).toBe(value);
    }
  });

  test('unknown members and raw numbers stay in detail digit for digit', () => {
    const detail = { ...SAMPLE_DETAIL, Retries: rawNumber('1.00'), Extra: { deep: [null, 'x'] } };
    const { accountTask } = created({ ResponseData: { Detail: detail } });
    expect(accountTask.detail).toBe(detail);
    expect(JSON.stringify(accountTask.detail)).toContain('"Retries":1.00,"Extra":{"deep":[null,"x"]}');
  });

  test('a value that is no date is kept as text, for whoever reads it to judge', () => {
    expect(created(withDetail({ StartDate: 'soon' })).accountTask.fields.StartDate).toBe('soon');
  });

  test('members an object inherits are not read', () => {
    expect(readAccountTask({}, 'Detail')).toStrictEqual({ at: 'Detail.ID', problem: 'is missing' });
    const inherited = Object.create(SAMPLE_DETAIL) as JsonObject;
    expect(readAccountTask(inherited, 'Detail')).toStrictEqual({ at: 'Detail.ID', problem: 'is missing' });
  });
});
