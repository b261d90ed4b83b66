import { expect, test } from 'vitest';
import { toModelState } from '../../src/rest/rest-answer.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { type RequestFormat, readRequest } from '../../src/wire/codec.ts';
import { formText, jsonText, xmlText } from '../support/request-texts.ts';

const TABLES = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };
const HIDDEN = 'An error has occurred.';

function modelStateOf(format: RequestFormat, text: string) {
  const reading = readRequest(format, Buffer.from(text), TABLES);
  return reading.kind === 'faulty' ? toModelState(format, reading.problems) : reading.kind;
}

test.each([
  [
    'JSON has a message at the field for a bad value, and at the request for a missing one',
    'json',
    jsonText({ TaskID: '1', Frequency: null, StartDate: '7', Parameters: '[]', ContentType: null }),
    {
      'request.TaskID': [HIDDEN],
      request: [HIDDEN],
      'request.StartDate': [HIDDEN],
      'request.Parameters': [HIDDEN, 'The Parameters field is required.'],
      'request.ContentType': ['The ContentType field is required.'],
    },
  ],
  [
    'XML has one message if a value cannot be read, whatever else is missing',
    'xml',
    xmlText({ Frequency: 'BOGUS', Parameters: '', TaskID: null }),
    { request: [HIDDEN] },
  ],
  [
    'XML has messages about required texts only',
    'xml',
    xmlText({ Frequency: null, Parameters: '' }),
    { 'request.Parameters': ['The Parameters field is required.'] },
  ],
  [
    'a form has messages with the value itself',
    'form',
    formText({ Frequency: 'a%26b', Notification: 'PIGEON', FinishDate: 'nope' }),
    {
      'request.Frequency': ["The value 'a&b' is not valid for Frequency.", 'The Frequency property is required.'],
      'request.FinishDate': ["The value 'nope' is not valid for FinishDate."],
      'request.Notification': ["The value 'PIGEON' is not valid for Notification."],
    },
  ],
] as const)('%s', (_, format, text, expected) => {
  expect(modelStateOf(format, text)).toEqual(expected);
});

test.each([
  ['json', jsonText({ Frequency: '7' })],
  ['json', jsonText({ StartDate: '"2026-02-22"' })],
  ['json', jsonText({ ContentType: '"text/plain"' })],
  ['xml', xmlText({ TaskID: null })],
  ['form', formText({ Frequency: '7' })],
] as const)('in %s, the endpoint itself refuses what Web API 2 would accept: %s', (format, text) => {
  expect(modelStateOf(format, text)).toBeNull();
});

test('a value that Web API 2 refuses hides one that the endpoint itself would refuse', () => {
  expect(modelStateOf('json', jsonText({ Frequency: '7', TaskID: '1' }))).toEqual({ 'request.TaskID': [HIDDEN] });
});
