import { describe, expect, test } from 'vitest';
import type { FailureKind } from '../../src/contract/failure.ts';
import { DATA, ERRORS, type Format, ID, REASON, toEnvelope } from '../support/envelope-text.ts';
import { expectFailure } from './expected-failure.ts';
import { httpAnswer, type RawService } from '../support/raw-service.ts';
import { CALL, FORMATS, openTaskService, SAMPLE_TASK } from '../support/upstream-service.ts';
import { openRawService } from '../support/upstream-client.ts';

type Expected = FailureKind & { readonly retryable: boolean };

const TASK_REJECTED = { code: 'TASK_REJECTED', outcome: 'REJECTED', retryable: false } as const;
const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', outcome: 'REJECTED', retryable: false } as const;
const FORBIDDEN = { code: 'FORBIDDEN', outcome: 'REJECTED', retryable: false } as const;
const OVERLOADED = { code: 'OVERLOADED', outcome: 'REJECTED', retryable: true } as const;
const FAILED = { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN', retryable: false } as const;
const UNREADABLE = { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN', retryable: false } as const;

const { TaskID } = SAMPLE_TASK;

interface Cell {
  readonly status: number;
  readonly error: keyof typeof ERRORS;
  readonly data: keyof typeof DATA;
  readonly format: Format;
}

/** The expected failure of an envelope by status; null for the created task. An Error that is not set counts as absent. */
const MEANINGS: readonly (readonly [number, (isErrorSet: boolean, cell: Cell) => Expected | null])[] = [
  [200, (isErrorSet, { data }) => (isErrorSet ? TASK_REJECTED : data === 'whole' ? null : UNREADABLE)],
  [201, (isErrorSet, { data }) => (isErrorSet ? TASK_REJECTED : data === 'whole' ? null : UNREADABLE)],
  [400, () => TASK_REJECTED],
  [401, () => UNAUTHENTICATED],
  [403, () => FORBIDDEN],
  [404, () => TASK_REJECTED],
  [408, (isErrorSet) => (isErrorSet ? TASK_REJECTED : UNREADABLE)],
  [409, () => TASK_REJECTED],
  [499, (isErrorSet) => (isErrorSet ? TASK_REJECTED : UNREADABLE)],
  [422, () => TASK_REJECTED],
  [429, () => OVERLOADED],
  [500, () => FAILED],
  [503, () => FAILED],
];

const CELLS = MEANINGS.flatMap(([status, meaning]) =>
  (Object.keys(ERRORS) as (keyof typeof ERRORS)[]).flatMap((error) =>
    (Object.keys(DATA) as (keyof typeof DATA)[]).flatMap((data) =>
      FORMATS.map((format) => {
        const cell = { status, error, data, format };
        return { ...cell, expected: meaning(error === 'set', cell) };
      }),
    ),
  ),
);

function openEnvelope({ status, error, data, format }: Cell): Promise<RawService> {
  return openAnswering(status, toEnvelope(format, ERRORS[error], DATA[data]), [`Content-Type: application/${format}`]);
}

describe('an envelope in JSON and XML', () => {
  const FAILURES = CELLS.flatMap(({ expected, ...cell }) => (expected ? [{ ...cell, expected }] : []));
  const CREATED = CELLS.filter(({ expected }) => expected === null);

  test.each(FAILURES)(
    'status $status with Error $error and ResponseData $data in $format is a failure',
    async ({ expected, ...cell }) => {
      const service = await openEnvelope(cell);
      const { format } = cell;
      const failure = await expectFailure(openTaskService(service.url, { format }).create(SAMPLE_TASK, CALL), expected);
      const isSet = cell.error === 'set';
      expect([failure.errorCode, failure.errorReason]).toEqual(isSet ? ['E17', REASON] : [undefined, undefined]);
      expect(failure.message === REASON).toBe(isSet);
      expect(service.posts).toHaveLength(1);
    },
  );

  test.each(CREATED)(
    'status $status with Error $error and ResponseData $data in $format is the created task',
    async (cell) => {
      const service = await openEnvelope(cell);
      const created = await openTaskService(service.url, { format: cell.format }).create(SAMPLE_TASK, CALL);
      expect(created).toMatchObject({ accountTask: { ID, TaskID }, Result: 'Done', replayed: false });
      expect(service.posts).toHaveLength(1);
    },
  );
});

interface OtherAnswer {
  readonly status: number;
  readonly name: string;
  readonly body: string;
  readonly expected: Expected;
  readonly headers?: readonly string[];
}

const MESSAGE = {
  json: '{"Message":"An error has occurred."}',
  xml: '<Error><Message>An error has occurred.</Message></Error>',
};
const PAGE = '<!DOCTYPE html><html><head><title>Oops</title></head><body><p>Not found<br></body></html>';

const OTHER_ANSWERS: readonly OtherAnswer[] = [
  ...FORMATS.flatMap((format) =>
    (
      [
        [200, UNREADABLE],
        [400, TASK_REJECTED],
        [401, UNAUTHENTICATED],
        [403, FORBIDDEN],
        [404, TASK_REJECTED],
        [415, TASK_REJECTED],
        [500, FAILED],
      ] as const
    ).map(([status, expected]) => ({
      status,
      name: `a framework message in ${format}`,
      body: MESSAGE[format],
      expected,
    })),
  ),
  ...(
    [
      [200, UNREADABLE],
      [400, TASK_REJECTED],
      [403, FORBIDDEN],
      [404, TASK_REJECTED],
      [408, UNREADABLE],
      [421, TASK_REJECTED],
      [499, UNREADABLE],
      [502, FAILED],
    ] as const
  ).flatMap(([status, expected]) => [
    { status, name: 'an HTML page', body: PAGE, expected, headers: ['Content-Type: text/html'] },
    { status, name: 'an HTML page labelled JSON', body: PAGE, expected, headers: ['Content-Type: application/json'] },
    { status, name: 'an empty body', body: '', expected },
    { status, name: 'JSON that breaks off', body: '{"Error":null,"ResponseData":{', expected },
    { status, name: 'XML that breaks off', body: '<ResponseOfAccountTaskResponse><ResponseData>', expected },
  ]),
  ...(
    [
      [200, UNREADABLE],
      [400, TASK_REJECTED],
      [404, TASK_REJECTED],
      [422, TASK_REJECTED],
      [502, FAILED],
    ] as const
  ).flatMap(([status, expected]) => [
    { status, name: 'a JSON list', body: '[]', expected },
    { status, name: 'a JSON string', body: '"Oops"', expected },
    { status, name: 'an XML string', body: '<string xmlns="urn:x">Oops</string>', expected },
  ]),
  { status: 200, name: 'other JSON', body: '{"status":"ok"}', expected: UNREADABLE },
  { status: 400, name: 'other JSON', body: '{"status":"ok"}', expected: TASK_REJECTED },
  { status: 500, name: 'other JSON', body: '{"status":"ok"}', expected: FAILED },
  { status: 204, name: 'an empty body', body: '', expected: UNREADABLE },
  { status: 429, name: 'a Retry-After header', body: '', expected: OVERLOADED, headers: ['Retry-After: 120'] },
  { status: 503, name: 'a Retry-After header', body: '', expected: FAILED, headers: ['Retry-After: 120'] },
  ...[301, 302, 303, 307, 308].map((status) => {
    return { status, name: 'a Location header', body: '', expected: UNREADABLE, headers: ['Location: /elsewhere'] };
  }),
];

describe('an answer without an envelope', () => {
  test.each(OTHER_ANSWERS)(
    'status $status with $name is a failure, and the POST is not repeated',
    async ({ status, body, expected, headers = [] }) => {
      const service = await openAnswering(status, body, headers);
      const failure = await expectFailure(openTaskService(service.url).create(SAMPLE_TASK, CALL), expected);
      expect(failure.message).not.toMatch(/elsewhere|Oops|An error has occurred|120/);
      expect([failure.errorCode, failure.errorReason]).toEqual([undefined, undefined]);
      expect(service.posts).toHaveLength(1);
    },
  );
});

describe('the Content-Type of an answer', () => {
  const LABELS = ['application/json', 'application/xml', 'text/html', 'TEXT/JSON; Charset="UTF-8"', 'nonsense', null];

  test.each(FORMATS.flatMap((format) => LABELS.map((label) => [format, label] as const)))(
    'an answer in %s is read by its content although its Content-Type is %s',
    async (format, label) => {
      const body = toEnvelope(format, ERRORS.null, DATA.whole);
      const service = await openAnswering(200, body, label === null ? [] : [`Content-Type: ${label}`]);
      const created = await openTaskService(service.url).create(SAMPLE_TASK, CALL);
      expect(created.accountTask.ID).toBe(ID);
      expect(service.posts).toHaveLength(1);
    },
  );
});

function openAnswering(status: number, body: string, headers: readonly string[]): Promise<RawService> {
  return openRawService((socket) => socket.write(httpAnswer(status, body, headers)));
}
