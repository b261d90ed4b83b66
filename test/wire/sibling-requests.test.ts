import { assert, boolean, constant, option, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OPERATIONS, type RequestBody } from '../../src/contract/operations.ts';
import { encodeRequest, readRequest } from '../../src/wire/codec.ts';
import { SAMPLE_DETAIL, TABLES, TASK } from '../support/contract-samples.ts';
import { bytesOf } from '../support/wire-texts.ts';

const { update, createClient } = OPERATIONS;
const UPDATE = { id: SAMPLE_DETAIL.ID, enabled: true, task: TASK, ifModified: null };
const CLIENT = { Name: 'sample string 1', Secret: 'sample string 2', UserID: SAMPLE_DETAIL.ID };
const FORMATS = ['json', 'xml'] as const;

const DATES = '2026-02-22T04:10:00.9543747+00:00';
const XML_HEAD = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

describe('the requests of the siblings', () => {
  test("an update in JSON begins with Enabled, as the contract's sample does", () => {
    expect(encodeRequest('json', update.toBody(UPDATE), TABLES, update.body!)).toBe(
      `{"Enabled":true,"TaskID":"${TASK.TaskID}","Frequency":0,"StartDate":"${DATES}","FinishDate":"${DATES}",` +
        `"Parameters":"sample string 3","ContentType":"application/json","Notification":0}`,
    );
  });

  test("an update in XML ends with Enabled, as the contract's sample does", () => {
    expect(encodeRequest('xml', update.toBody(UPDATE), TABLES, update.body!)).toBe(
      `<AccountTaskUpdateRequest ${XML_HEAD}><TaskID>${TASK.TaskID}</TaskID><Frequency>NONE</Frequency>` +
        `<StartDate>${DATES}</StartDate><FinishDate>${DATES}</FinishDate><Parameters>sample string 3</Parameters>` +
        `<ContentType>application/json</ContentType><Notification>NONE</Notification><Enabled>true</Enabled>` +
        `</AccountTaskUpdateRequest>`,
    );
  });

  test('a client has the members of the table, in both formats', () => {
    const body = createClient.toBody(CLIENT);
    expect(encodeRequest('json', body, TABLES, createClient.body!)).toBe(
      `{"Name":"sample string 1","Secret":"sample string 2","UserID":"${SAMPLE_DETAIL.ID}"}`,
    );
    expect(encodeRequest('xml', body, TABLES, createClient.body!)).toBe(
      `<ClientRequest ${XML_HEAD}><Name>sample string 1</Name><Secret>sample string 2</Secret>` +
        `<UserID>${SAMPLE_DETAIL.ID}</UserID></ClientRequest>`,
    );
  });
});

describe.each(FORMATS)('a request in %s', (format) => {
  const text = string({ unit: 'grapheme', minLength: 1 }).filter((value) => value.trim() !== '');
  const xmlText = text.filter((value) => !/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(value));
  const value = format === 'xml' ? xmlText : text;
  const roundTrip = (body: RequestBody, model = update.body!) =>
    readRequest(format, bytesOf(encodeRequest(format, body, TABLES, model)), TABLES, model);

  test('an update is read back as it was sent', () => {
    assert(
      property(value, boolean(), option(constant(DATES)), (Parameters, enabled, FinishDate) => {
        const body = update.toBody({ ...UPDATE, enabled, task: { ...TASK, Parameters, FinishDate } });
        expect(roundTrip(body)).toEqual({ kind: 'body', body });
      }),
    );
  });

  test('a client is read back as it was sent', () => {
    assert(
      property(value, value, (Name, Secret) => {
        const body = createClient.toBody({ ...CLIENT, Name, Secret });
        expect(roundTrip(body, createClient.body!)).toEqual({ kind: 'body', body });
      }),
    );
  });

  test('Enabled may be left out, and must be a boolean otherwise', () => {
    const read = (enabled: string | undefined) => {
      const body = { ...update.toBody(UPDATE), Enabled: enabled ?? null };
      return roundTrip(body);
    };
    expect(read(undefined)).toMatchObject({ kind: 'body', body: { Enabled: null } });
    expect(read(' False ')).toMatchObject({ kind: 'body', body: { Enabled: false } });
    expect(read('perhaps')).toMatchObject({ kind: 'faulty', problems: [{ at: 'Enabled', kind: 'invalid' }] });
  });

  test('each operation refuses the body of another', () => {
    expect(roundTrip(createClient.toBody(CLIENT))).not.toMatchObject({ kind: 'body' });
  });
});

test('the extra elements of the XML sample of a client are ignored', () => {
  const text = `<ClientRequest><ID>1</ID><AccountID>2</AccountID><Name>n</Name><Secret>s</Secret><UserID>${SAMPLE_DETAIL.ID}</UserID></ClientRequest>`;
  expect(readRequest('xml', bytesOf(text), TABLES, createClient.body!)).toEqual({
    kind: 'body',
    body: { Name: 'n', Secret: 's', UserID: SAMPLE_DETAIL.ID },
  });
});
