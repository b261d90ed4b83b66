import { describe, expect, test } from 'vitest';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { type RequestFormat, readRequest } from '../../src/wire/codec.ts';
import { GUID_FORMS, TIMESTAMP_FORM } from '../../src/contract/text-formats.ts';
import { TABLES, TASK } from '../support/contract-samples.ts';
import { bytesOf } from '../support/wire-texts.ts';

const tables = { ...TABLES, frequencies: [...TABLES.frequencies, { name: 'YEARLY', number: 9 }] };
const read = (format: RequestFormat, text: string) => readRequest(format, bytesOf(text), tables);
const readJson = (changes: object) => read('json', JSON.stringify({ ...TASK, ...changes }));
const readXml = (elements: string) => read('xml', `<AccountTaskRequest xmlns:xsi="i">${elements}</AccountTaskRequest>`);
const readForm = (changes: Readonly<Record<string, string>>) =>
  read('form', new URLSearchParams({ ...(TASK as unknown as Record<string, string>), ...changes }).toString());
const asTask = (task: NewAccountTask) => ({ kind: 'body', body: task });
const faulty = (at: string, kind: string, problem: string, given: unknown) => ({
  kind: 'faulty',
  problems: [{ at, kind, problem, given: typeof given === 'string' ? given : null }],
});
const unreadable = (problem: string) => ({ kind: 'unreadable', at: 'the request', problem });
const FREQUENCIES = 'is not one of NONE (0), HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY (9)';
const BARE = { ...TASK, StartDate: null, FinishDate: null, Notification: null };
const ELEMENTS =
  '<TaskID>86cb791c-8078-41ae-a045-5dded04c9589</TaskID><Frequency>NONE</Frequency>' +
  '<Parameters>sample string 3</Parameters><ContentType>application/json</ContentType>';

describe('readRequest of JSON', () => {
  test.each([
    [{ Frequency: 0 }, {}],
    [{ Frequency: '0' }, {}],
    [{ Frequency: 9 }, { Frequency: 'YEARLY' }],
    [{ Frequency: ' yearly ' }, { Frequency: 'YEARLY' }],
    [{ Frequency: 'hourly' }, { Frequency: 'HOURLY' }],
    [{ Notification: 'Sms' }, { Notification: 'SMS' }],
    [{ FinishDate: null }, { FinishDate: null }],
    [{ FinishDate: '' }, { FinishDate: null }],
    [{ TaskID: '86CB791C807841AEA0455DDED04C9589' }, {}],
    [{ TaskID: ' {86cb791c-8078-41ae-a045-5dded04c9589} ' }, {}],
    [{ TaskID: '(86cb791c-8078-41ae-a045-5dded04c9589)' }, {}],
    [{ ContentType: 'Application/XML' }, { ContentType: 'application/xml' }],
    [{ StartDate: null }, { StartDate: null }],
    [{ StartDate: '2026-02-22T04:10:00-05:30' }, { StartDate: '2026-02-22T04:10:00-05:30' }],
    [{ unknown: { a: [1.0] } }, {}],
    [{ Parameters: ' x ' }, { Parameters: ' x ' }],
  ])('reads a request with %j', (given, expected) => {
    expect(readJson(given)).toEqual(asTask({ ...TASK, ...expected } as NewAccountTask));
  });

  test('reads field names in any case, and the last of equal names counts', () => {
    const { Parameters: _, ...others } = TASK;
    const text = JSON.stringify(others)
      .replace('TaskID', 'taskid')
      .replace('{', '{"Parameters":"1","PARAMETERS":"2","parameters":"3",');
    expect(read('json', text)).toEqual(asTask({ ...TASK, Parameters: '3' }));
  });

  test.each([
    ['"parameters":"1","Parameters":"2","parameters":"3","PARAMETERS":"4"', '4'],
    [String.raw`"Parameters":"1","parameters":"\\\"},","x":{"parameters":["Parameters",{}]},"y":"PARAMETERS"`, '\\"},'],
  ])('reads the last of the equal names in %s', (members, Parameters) => {
    const { Parameters: _, ...others } = TASK;
    const text = JSON.stringify(others).replace('{', `{${members},`.replaceAll('$', '$$$$'));
    expect(read('json', text)).toEqual(asTask({ ...TASK, Parameters }));
  });

  test('reads a request without optional fields', () => {
    const { TaskID, Frequency, Parameters, ContentType } = TASK;
    expect(read('json', JSON.stringify({ TaskID, Frequency, Parameters, ContentType }))).toEqual(asTask(BARE));
  });

  test.each([
    ['TaskID', undefined, 'missing', 'is required'],
    ['TaskID', null, 'invalid', `is not ${GUID_FORMS}`],
    ['TaskID', 'nope', 'invalid', `is not ${GUID_FORMS}`],
    ['TaskID', 1, 'invalid', `is not ${GUID_FORMS}`],
    ['Frequency', undefined, 'missing', 'is required'],
    ['Frequency', null, 'invalid', FREQUENCIES],
    ['Frequency', 99, 'refused', FREQUENCIES],
    ['Frequency', -1, 'refused', FREQUENCIES],
    ['Frequency', '99', 'refused', FREQUENCIES],
    ['Frequency', 1.5, 'invalid', FREQUENCIES],
    ['Frequency', 'BOGUS', 'invalid', FREQUENCIES],
    ['Frequency', '', 'invalid', FREQUENCIES],
    ['Frequency', true, 'invalid', FREQUENCIES],
    ['Frequency', [0], 'invalid', FREQUENCIES],
    ['Notification', 5, 'refused', 'is not one of NONE (0), EMAIL, SMS'],
    ['Notification', null, 'invalid', 'is not one of NONE (0), EMAIL, SMS'],
    ['StartDate', '2026-02-22T04:10:00', 'refused', `is not ${TIMESTAMP_FORM}`],
    ['StartDate', '2026-02-22T04:10:00.12345678Z', 'refused', `is not ${TIMESTAMP_FORM}`],
    ['StartDate', '', 'invalid', `is not ${TIMESTAMP_FORM}`],
    ['FinishDate', '2026-13-01T00:00:00Z', 'invalid', `is not ${TIMESTAMP_FORM}`],
    ['FinishDate', 1771733400, 'invalid', `is not ${TIMESTAMP_FORM}`],
    ['Parameters', undefined, 'missing', 'is required'],
    ['Parameters', ' ', 'missing', 'is required'],
    ['Parameters', {}, 'invalid', 'is not text'],
    ['Parameters', 12.5, 'invalid', 'is not text'],
    ['ContentType', undefined, 'missing', 'is required'],
    ['ContentType', null, 'missing', 'is required'],
    ['ContentType', 'text/json', 'refused', 'is neither application/json nor application/xml'],
  ])('reports a request with %s: %j as %s', (at, given, kind, problem) => {
    expect(readJson({ [at]: given })).toEqual(faulty(at, kind, problem, given));
  });

  test('rejects a raw number as an enum value', () => {
    const text = JSON.stringify(TASK).replace('"NONE"', '0.0');
    expect(read('json', text)).toEqual(faulty('Frequency', 'invalid', FREQUENCIES, null));
  });

  test('reports all problems of a request in the order of the fields', () => {
    const reading = readJson({ ContentType: null, TaskID: 'nope', StartDate: 'nope' });
    const problems = reading.kind === 'faulty' ? reading.problems : [];
    expect(problems.map(({ at }) => at)).toEqual(['TaskID', 'StartDate', 'ContentType']);
  });
});

describe('readRequest of XML', () => {
  test.each([
    [
      'with its elements in any order',
      '<ContentType>application/json</ContentType><Parameters>sample string 3</Parameters><Frequency>NONE</Frequency><TaskID>86cb791c807841aea0455dded04c9589</TaskID>',
    ],
    ['with nil dates', `${ELEMENTS}<StartDate xsi:nil="true"/><FinishDate xsi:nil="1"/><Notification xsi:nil="true"/>`],
    [
      'with unknown elements and attributes',
      `${ELEMENTS.replace('<Parameters>', '<Parameters x="1">')}<Unknown><a/></Unknown>`,
    ],
    ['with a repeated element, of which the first counts,', `${ELEMENTS}<Parameters>second</Parameters>`],
    [
      'after an element of the same name in another namespace',
      `<x:Parameters xmlns:x="urn:x">x</x:Parameters>${ELEMENTS}`,
    ],
    ['after an element of the same name in a default namespace', `<Parameters xmlns="urn:x">x</Parameters>${ELEMENTS}`],
    ['with an explicit empty namespace', ELEMENTS.replace('<Parameters>', '<Parameters xmlns="">')],
    ['with comments and blanks between elements', `\n  ${ELEMENTS.replaceAll('><', '>\n<!-- x --><')}\n`],
  ])('reads a request %s', (_, elements) => {
    expect(readXml(elements)).toEqual(asTask(BARE));
  });

  test('ignores blanks around a timestamp and a GUID', () => {
    const elements = `${ELEMENTS.replace('86cb', '\n 86cb')}<StartDate> 2026-02-22T04:10:00Z </StartDate>`;
    expect(readXml(elements)).toEqual(asTask({ ...BARE, StartDate: '2026-02-22T04:10:00Z' }));
  });

  test('reads a request with an XML declaration', () => {
    const text = `<?xml version="1.0" encoding="utf-8"?><AccountTaskRequest>${ELEMENTS}</AccountTaskRequest>`;
    expect(read('xml', text)).toEqual(asTask(BARE));
  });

  test.each([
    ['without TaskID', ELEMENTS.replaceAll('TaskID', 'taskId'), 'TaskID', 'missing', 'is required'],
    [
      'with a nil TaskID',
      ELEMENTS.replace(/<TaskID>.*<\/TaskID>/, '<TaskID xsi:nil="true"/>'),
      'TaskID',
      'missing',
      'is required',
    ],
    ['with a TaskID in a namespace', ELEMENTS.replaceAll('TaskID', 'xsi:TaskID'), 'TaskID', 'missing', 'is required'],
    ['without Frequency', ELEMENTS.replaceAll('Frequency', 'Other'), 'Frequency', 'missing', 'is required'],
    ['with an enum member in lower case', ELEMENTS.replace('NONE', 'none'), 'Frequency', 'invalid', FREQUENCIES],
    ['with a number as enum member', ELEMENTS.replace('NONE', '0'), 'Frequency', 'invalid', FREQUENCIES],
    ['with nested Parameters', ELEMENTS.replace('sample', '<a/>'), 'Parameters', 'invalid', 'is not text'],
    ['with an empty StartDate', `${ELEMENTS}<StartDate/>`, 'StartDate', 'invalid', `is not ${TIMESTAMP_FORM}`],
    ['with an empty FinishDate', `${ELEMENTS}<FinishDate/>`, 'FinishDate', 'invalid', `is not ${TIMESTAMP_FORM}`],
  ])('reports the problem of a request %s', (_, elements, at, kind, problem) => {
    expect(readXml(elements)).toMatchObject({ kind: 'faulty', problems: [{ at, kind, problem }] });
  });

  test.each([
    `<Wrong>${ELEMENTS}</Wrong>`,
    `<AccountTaskRequest xmlns="urn:x">${ELEMENTS}</AccountTaskRequest>`,
    `<x:AccountTaskRequest xmlns:x="urn:x">${ELEMENTS}</x:AccountTaskRequest>`,
  ])('rejects a wrong root: %s', (text) => {
    expect(read('xml', text)).toEqual(unreadable('is not the element AccountTaskRequest without a namespace'));
  });

  test('rejects a DOCTYPE', () => {
    expect(read('xml', `<!DOCTYPE a><AccountTaskRequest>${ELEMENTS}</AccountTaskRequest>`)).toEqual(
      unreadable('contains a DOCTYPE, which is not accepted'),
    );
  });
});

describe('readRequest of a form', () => {
  test.each([
    [{}, {}],
    [{ Frequency: '9' }, { Frequency: 'YEARLY' }],
    [{ Frequency: ' yearly' }, { Frequency: 'YEARLY' }],
    [{ FinishDate: '' }, { FinishDate: null }],
    [{ Parameters: 'a&b=c+d%20é😀\r\n' }, { Parameters: 'a&b=c+d%20é😀\r\n' }],
    [{ Other: '1' }, {}],
  ])('reads a form with %j', (given, expected) => {
    expect(readForm(given as Record<string, string>)).toEqual(asTask({ ...TASK, ...expected }));
  });

  test.each([
    ['TaskID', '', 'invalid', `is not ${GUID_FORMS}`],
    ['Frequency', '99', 'refused', FREQUENCIES],
    ['StartDate', '', 'invalid', `is not ${TIMESTAMP_FORM}`],
    ['Parameters', ' ', 'missing', 'is required'],
    ['Notification', 'PIGEON', 'invalid', 'is not one of NONE (0), EMAIL, SMS'],
  ])('reports a form with %s: %j as %s', (at, given, kind, problem) => {
    expect(readForm({ [at]: given })).toEqual(faulty(at, kind, problem, given));
  });

  test.each([
    ['with a name in any case', 'PARAMETERS=1', '1'],
    ['with a repeated name, of which the first counts,', 'Parameters=1&parameters=2', '1'],
    ['with a percent sign that starts no escape', 'Parameters=100%25+%+%zz', '100% % %zz'],
    ['with an equals sign in a value', 'Parameters=a=b', 'a=b'],
    ['with empty pairs', '&&Parameters=1&', '1'],
    ['with a line break in a value', 'Parameters=a%0Ab', 'a\nb'],
  ])('reads a form %s', (_, pairs, Parameters) => {
    const { Parameters: __, ...others } = TASK;
    const text = new URLSearchParams(others as unknown as Record<string, string>).toString();
    expect(read('form', `${pairs}&${text}`)).toEqual(asTask({ ...TASK, Parameters }));
  });

  test('rejects a form that is not UTF-8', () => {
    expect(read('form', 'Parameters=%FF')).toEqual(unreadable('is a form that is not UTF-8'));
  });

  test('reads a form with unknown fields, up to 1,000 fields in total', () => {
    expect(read('form', 'a&'.repeat(999)).kind).toBe('faulty');
    expect(read('form', 'a&'.repeat(1000))).toEqual({ kind: 'excessive', problem: 'has more than 1000 form fields' });
  });

  test('reads a form with names of up to 256 characters', () => {
    expect(read('form', 'a'.repeat(256)).kind).toBe('faulty');
    expect(read('form', `a=b&${'a'.repeat(257)}=c`)).toEqual({
      kind: 'excessive',
      problem: 'has a form field with a name of more than 256 characters',
    });
  });
});

test.each([
  ['json', ''],
  ['json', ' \n'],
  ['json', 'null'],
  ['xml', ''],
  ['form', ''],
  ['xml', '<AccountTaskRequest xmlns:xsi="i" xsi:nil="true"/>'],
] as const)('the %s body %j is read as empty', (format, text) => {
  expect(read(format, text)).toEqual({ kind: 'empty' });
});

test.each([
  ['json', '[]', 'is not an object'],
  ['json', '"x"', 'is not an object'],
  ['json', '{"TaskID":', 'is not JSON'],
  ['json', 'TaskID=1', 'is neither JSON nor XML'],
  ['json', `<AccountTaskRequest>${ELEMENTS}</AccountTaskRequest>`, 'is neither JSON nor XML'],
  ['json', `${JSON.stringify(TASK)} junk`, 'is not JSON: syntax error at character 253'],
  ['xml', ' ', 'is not well-formed XML (line 1, column 1)'],
  ['xml', '{}', 'is not well-formed XML (line 1, column 2)'],
] as const)('the %s body %j is unreadable', (format, text, problem) => {
  expect(read(format, text)).toEqual(unreadable(problem));
});
