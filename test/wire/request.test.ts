import { describe, expect, test } from 'vitest';
import { readRequest } from '../../src/wire/codec.ts';
import { GUID_FORMS } from '../../src/contract/guid.ts';
import { TIMESTAMP_FORM } from '../../src/contract/timestamp.ts';
import { bytesOf, TABLES, TASK } from './samples.ts';

const tables = { ...TABLES, frequencies: [...TABLES.frequencies, { name: 'YEARLY', number: 9 }] };
const read = (text: string) => readRequest(bytesOf(text), null, tables);
const readJson = (changes: object) => read(JSON.stringify({ ...TASK, ...changes }));
const readXml = (elements: string) => read(`<AccountTaskRequest xmlns:xsi="i">${elements}</AccountTaskRequest>`);
const FREQUENCIES = 'is none of NONE (0), HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY (9)';
const BARE = { ...TASK, StartDate: null, FinishDate: null, Notification: null };
const ELEMENTS =
  '<TaskID>86cb791c-8078-41ae-a045-5dded04c9589</TaskID><Frequency>NONE</Frequency>' +
  '<Parameters>sample string 3</Parameters><ContentType>application/json</ContentType>';

describe('a request in JSON', () => {
  test.each([
    [{ Frequency: 0 }, {}],
    [{ Frequency: '0' }, {}],
    [{ Frequency: 9 }, { Frequency: 'YEARLY' }],
    [{ Frequency: ' yearly ' }, { Frequency: 'YEARLY' }],
    [{ Frequency: 'hourly' }, { Frequency: 'HOURLY' }],
    [{ Notification: 'Sms' }, { Notification: 'SMS' }],
    [{ Notification: null }, { Notification: null }],
    [
      { StartDate: null, FinishDate: null },
      { StartDate: null, FinishDate: null },
    ],
    [{ TaskID: '86CB791C807841AEA0455DDED04C9589' }, {}],
    [{ TaskID: ' {86cb791c-8078-41ae-a045-5dded04c9589} ' }, {}],
    [{ TaskID: '(86cb791c-8078-41ae-a045-5dded04c9589)' }, {}],
    [{ ContentType: 'Application/XML' }, { ContentType: 'application/xml' }],
    [{ StartDate: '2026-02-22T04:10:00-05:30' }, { StartDate: '2026-02-22T04:10:00-05:30' }],
    [{ unknown: { a: [1.0] } }, {}],
    [{ Parameters: '' }, { Parameters: '' }],
  ])('with %j is read', (given, expected) => {
    expect(readJson(given)).toEqual({ ...TASK, ...expected });
  });

  test('names its fields in any case, and the last of one name counts', () => {
    const { Parameters: _, ...others } = TASK;
    const text = JSON.stringify(others)
      .replace('TaskID', 'taskid')
      .replace('{', '{"Parameters":"1","PARAMETERS":"2","parameters":"3",');
    expect(read(text)).toEqual({ ...TASK, Parameters: '3' });
  });

  test('may leave out what is optional', () => {
    const { TaskID, Frequency, Parameters, ContentType } = TASK;
    expect(read(JSON.stringify({ TaskID, Frequency, Parameters, ContentType }))).toEqual(BARE);
  });

  test.each([
    [{ TaskID: undefined }, 'TaskID', 'is required'],
    [{ TaskID: null }, 'TaskID', 'is required'],
    [{ TaskID: 'nope' }, 'TaskID', `is not ${GUID_FORMS}`],
    [{ TaskID: 1 }, 'TaskID', `is not ${GUID_FORMS}`],
    [{ Frequency: undefined }, 'Frequency', 'is required'],
    [{ Frequency: 99 }, 'Frequency', FREQUENCIES],
    [{ Frequency: -1 }, 'Frequency', FREQUENCIES],
    [{ Frequency: '99' }, 'Frequency', FREQUENCIES],
    [{ Frequency: 'BOGUS' }, 'Frequency', FREQUENCIES],
    [{ Frequency: '' }, 'Frequency', FREQUENCIES],
    [{ Frequency: true }, 'Frequency', FREQUENCIES],
    [{ Frequency: [0] }, 'Frequency', FREQUENCIES],
    [{ Notification: 5 }, 'Notification', 'is none of NONE (0), EMAIL, SMS'],
    [{ StartDate: '2026-02-22T04:10:00' }, 'StartDate', `is not ${TIMESTAMP_FORM}`],
    [{ StartDate: '' }, 'StartDate', `is not ${TIMESTAMP_FORM}`],
    [{ FinishDate: '2026-02-30T04:10:00Z' }, 'FinishDate', `is not ${TIMESTAMP_FORM}`],
    [{ FinishDate: 1771733400 }, 'FinishDate', `is not ${TIMESTAMP_FORM}`],
    [{ Parameters: undefined }, 'Parameters', 'is required'],
    [{ Parameters: {} }, 'Parameters', 'is not text'],
    [{ Parameters: 12.5 }, 'Parameters', 'is not text'],
    [{ ContentType: undefined }, 'ContentType', 'is required'],
    [{ ContentType: 'text/json' }, 'ContentType', 'is neither application/json nor application/xml'],
  ])('with %j is refused', (given, at, problem) => {
    expect(readJson(given)).toEqual({ at, problem });
  });

  test('with a number that is none of an enum is refused', () => {
    expect(read(JSON.stringify(TASK).replace('"NONE"', '0.0'))).toEqual({ at: 'Frequency', problem: FREQUENCIES });
  });
});

describe('a request in XML', () => {
  test.each([
    [
      'in any order',
      '<ContentType>application/json</ContentType><Parameters>sample string 3</Parameters><Frequency>NONE</Frequency><TaskID>86cb791c807841aea0455dded04c9589</TaskID>',
    ],
    ['with nil dates', `${ELEMENTS}<StartDate xsi:nil="true"/><FinishDate xsi:nil="1"/><Notification xsi:nil="true"/>`],
    [
      'with unknown elements and attributes',
      `${ELEMENTS.replace('<Parameters>', '<Parameters x="1">')}<Unknown><a/></Unknown>`,
    ],
    ['with a second element of one name', `${ELEMENTS}<Parameters>second</Parameters>`],
    ['with comments and blanks between', `\n  ${ELEMENTS.replaceAll('><', '>\n<!-- x --><')}\n`],
  ])('%s is read', (_, elements) => {
    expect(readXml(elements)).toEqual(BARE);
  });

  test('may have blanks around a timestamp and a GUID', () => {
    const elements = `${ELEMENTS.replace('86cb', '\n 86cb')}<StartDate> 2026-02-22T04:10:00Z </StartDate>`;
    expect(readXml(elements)).toEqual({ ...BARE, StartDate: '2026-02-22T04:10:00Z' });
  });

  test('may have an XML declaration', () => {
    const text = `<?xml version="1.0" encoding="utf-8"?><AccountTaskRequest>${ELEMENTS}</AccountTaskRequest>`;
    expect(read(text)).toEqual(BARE);
  });

  test.each([
    ['without TaskID', ELEMENTS.replaceAll('TaskID', 'taskId'), 'TaskID', 'is required'],
    ['without Frequency', ELEMENTS.replaceAll('Frequency', 'Other'), 'Frequency', 'is required'],
    ['with a member in lower case', ELEMENTS.replace('NONE', 'none'), 'Frequency', FREQUENCIES],
    ['with a number for a member', ELEMENTS.replace('NONE', '0'), 'Frequency', FREQUENCIES],
    ['with nested Parameters', ELEMENTS.replace('sample', '<a/>'), 'Parameters', 'is not text'],
    ['with an empty StartDate', `${ELEMENTS}<StartDate/>`, 'StartDate', `is not ${TIMESTAMP_FORM}`],
  ])('%s is refused', (_, elements, at, problem) => {
    expect(readXml(elements)).toEqual({ at, problem });
  });

  test.each([
    `<Wrong>${ELEMENTS}</Wrong>`,
    `<AccountTaskRequest xmlns="urn:x">${ELEMENTS}</AccountTaskRequest>`,
    `<x:AccountTaskRequest xmlns:x="urn:x">${ELEMENTS}</x:AccountTaskRequest>`,
  ])('with the wrong root is refused: %s', (text) => {
    expect(read(text)).toEqual({
      at: 'the request',
      problem: 'is not an AccountTaskRequest element without a namespace',
    });
  });

  test('with a DOCTYPE is refused', () => {
    expect(read(`<!DOCTYPE a><AccountTaskRequest>${ELEMENTS}</AccountTaskRequest>`)).toEqual({
      at: 'the request',
      problem: 'holds a DOCTYPE, which is refused',
    });
  });
});

test.each([
  ['', 'is empty'],
  [' \n', 'is empty'],
  ['null', 'is not an object'],
  ['[]', 'is not an object'],
  ['"x"', 'is not an object'],
  ['{"TaskID":', 'is not JSON'],
  ['TaskID=1', 'is neither JSON nor XML'],
  [`${JSON.stringify(TASK)} junk`, 'is not JSON: it goes wrong at character 252'],
])('the body %j is refused', (text, problem) => {
  expect(read(text)).toEqual({ at: 'the request', problem });
});
