import { describe, expect, test } from 'vitest';
import type { AnswerBody } from '../../src/contract/envelope.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { JsonObject } from '../../src/contract/json-value.ts';
import { type Meaning, meaningOf, tree } from '../support/meaning.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';

const CREATED = 'the created task';
const REJECTED = 'TASK_REJECTED REJECTED';
const UNAUTHENTICATED = 'UNAUTHENTICATED REJECTED';
const FORBIDDEN = 'FORBIDDEN REJECTED';
const OVERLOADED = 'OVERLOADED REJECTED';
const FAILED = 'UPSTREAM_FAILED UNKNOWN';
const UNREADABLE = 'UPSTREAM_UNREADABLE UNKNOWN';

/** The complete truth table: the meaning of each kind of body under each status. */
const TABLE = [
  // statuses,                      Error set        complete         incomplete       {"Message"}      foreign object   other value  nothing read
  [
    [200, 201, 202, 203, 204, 299],
    [REJECTED, CREATED, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE],
  ],
  [
    [300, 301, 302, 303, 304, 307],
    [UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE],
  ],
  [
    [400, 402, 404, 405, 406, 407, 409, 410, 413, 415, 421, 422, 425, 451, 498],
    Array.from({ length: 7 }, () => REJECTED),
  ],
  [[401], Array.from({ length: 7 }, () => UNAUTHENTICATED)],
  [[403], Array.from({ length: 7 }, () => FORBIDDEN)],
  [
    [408, 499],
    [REJECTED, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE],
  ],
  [[429], Array.from({ length: 7 }, () => OVERLOADED)],
  [
    [500, 501, 502, 503, 504, 599],
    [FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED],
  ],
] as const;
const KINDS = ['error', 'complete', 'partial', 'message', 'foreign', 'value', 'none'] as const;
type Kind = (typeof KINDS)[number];

/** Every kind of Error in an envelope; `evidence` must appear verbatim in the failure. */
const ERRORS: Readonly<Record<string, { members: JsonObject; evidence?: readonly [unknown, unknown] }>> = {
  'Error null': { members: { Error: null } },
  'Error absent': { members: {} },
  'Error empty text': { members: { Error: '' } },
  'Error blank text': { members: { Error: ' \n ' } },
  'Error empty object': { members: { Error: {} } },
  'Error blank strings': { members: { Error: { ErrorCode: '', ErrorReason: ' \t' } } },
  'Error of nulls': { members: { Error: { ErrorCode: null, ErrorReason: null } } },
  'Error set': {
    members: { Error: { ErrorCode: ' E-17 ', ErrorReason: ' No client <yet> ' } },
    evidence: [' E-17 ', ' No client <yet> '],
  },
  'Error set, code only': { members: { Error: { ErrorCode: 'E-17' } }, evidence: ['E-17', null] },
  'Error set, reason only': {
    members: { Error: { ErrorCode: '', ErrorReason: 'No client' } },
    evidence: ['', 'No client'],
  },
};

const { ID: _, ...WITHOUT_ID } = SAMPLE_DETAIL;
const RESPONSE_DATA: Readonly<Record<string, JsonObject>> = {
  'ResponseData absent': {},
  'ResponseData null': { ResponseData: null },
  'ResponseData without Detail': { ResponseData: { Result: 'r', Identification: { UserId: 'u' } } },
  'Detail empty': { ResponseData: { Detail: {} } },
  'Detail without ID': { ResponseData: { Detail: WITHOUT_ID } },
  complete: { ResponseData: { Detail: SAMPLE_DETAIL, Result: 'r', Identification: { UserId: 'u' } } },
};

const NOT_ENVELOPES: readonly (readonly [string, Kind, AnswerBody])[] = [
  ['message of Web API 2', 'message', tree({ Message: 'An error has occurred.' })],
  [
    'message of Web API 2 with ModelState',
    'message',
    tree({ message: 'Invalid.', ModelState: { TaskID: ['Required.'] } }),
  ],
  ['Message that is not a string', 'foreign', tree({ Message: 5 })],
  ['empty body', 'none', { kind: 'empty' }],
  ['unreadable body', 'none', { kind: 'unreadable', at: 'the answer', problem: 'is cut short' }],
  ['foreign object', 'foreign', tree({ status: 'ok' })],
  ['null', 'value', tree(null)],
  ['text', 'value', tree('created')],
  ['number', 'value', tree(1)],
  ['true', 'value', tree(true)],
  ['list', 'value', tree([{ Error: null, ResponseData: { Detail: SAMPLE_DETAIL } }])],
];

interface Cell {
  readonly name: string;
  readonly kind: Kind;
  readonly body: AnswerBody;
  readonly evidence?: readonly [unknown, unknown] | undefined;
}

const CELLS: readonly Cell[] = [
  ...Object.entries(ERRORS).flatMap(([error, { members, evidence }]) =>
    Object.entries(RESPONSE_DATA).map(([data, dataMembers]): Cell => {
      const isEnvelope = Object.keys({ ...members, ...dataMembers }).length > 0;
      const kind = evidence ? 'error' : data === 'complete' ? 'complete' : isEnvelope ? 'partial' : 'foreign';
      return { name: `${error}, ${data}`, kind, body: tree({ ...members, ...dataMembers }), evidence };
    }),
  ),
  ...NOT_ENVELOPES.map(([name, kind, body]): Cell => ({ name, kind, body })),
];

const ROWS = TABLE.flatMap(([statuses, meanings]) =>
  statuses.flatMap((status) =>
    CELLS.map((cell) => ({ ...cell, status, expected: meanings[KINDS.indexOf(cell.kind)] as string })),
  ),
);

const CREATED_TASK = {
  accountTask: {
    ID: SAMPLE_DETAIL.ID,
    TaskID: SAMPLE_DETAIL.TaskID,
    ClientID: SAMPLE_DETAIL.ClientID,
    fields: SAMPLE_DETAIL,
    detail: SAMPLE_DETAIL,
    recordedAt: null,
  },
  Identification: { UserId: 'u' },
  Result: 'r',
  replayed: false,
};

function toVerdict(meaning: Meaning) {
  if (!(meaning instanceof TaskFailure)) return { meaning: CREATED, created: meaning };
  return { meaning: `${meaning.code} ${meaning.outcome}`, evidence: [meaning.errorCode, meaning.errorReason] };
}

describe('the envelope truth table', () => {
  test.each(ROWS)('HTTP $status, $name: $expected', ({ status, body, expected, evidence }) => {
    expect(toVerdict(meaningOf(status, body))).toStrictEqual(
      expected === CREATED
        ? { meaning: CREATED, created: CREATED_TASK }
        : { meaning: expected, evidence: evidence ?? [undefined, undefined] },
    );
  });

  test('the message of a refusal is the ErrorReason verbatim, or a sentence of the gateway without one', () => {
    expect(meaningOf(400, tree({ Error: { ErrorCode: 'E-17', ErrorReason: ' No client ' } }))).toHaveProperty(
      'message',
      ' No client ',
    );
    expect(meaningOf(400, tree({ Error: { ErrorCode: 'E-17', ErrorReason: '  ' } }))).toHaveProperty(
      'message',
      'The service refused the task (E-17).',
    );
    expect(meaningOf(400, tree('No client'))).toHaveProperty('message', 'The service refused the request (HTTP 400).');
    expect(meaningOf(400, tree({ Error: {} }))).toHaveProperty(
      'message',
      'The service refused the request (HTTP 400).',
    );
  });

  test.each([301, 302, 303, 307, 308])('the message for HTTP %i says that it is a redirect', (status) => {
    expect(meaningOf(status, { kind: 'empty' })).toMatchObject({
      code: 'UPSTREAM_UNREADABLE',
      message: `The service answered with a redirect (HTTP ${status}), which is not followed; the task may have been created.`,
    });
  });

  test.each([404, 405])(
    'HTTP %i with a foreign body is logged with the hint that UPSTREAM_URL is probably wrong',
    (status) => {
      const foreign: readonly AnswerBody[] = [
        tree({ status: 'not found' }),
        { kind: 'empty' },
        { kind: 'unreadable', at: 'the answer', problem: 'is neither JSON nor XML' },
      ];
      for (const body of foreign) {
        const { message, cause } = meaningOf(status, body) as TaskFailure;
        expect(message).toBe(`The service refused the request (HTTP ${status}).`);
        expect((cause as Error).message).toMatch(
          /^UPSTREAM_URL is probably wrong: the body of the HTTP \d+ answer is neither/,
        );
      }
      for (const body of [tree({ Message: 'No HTTP resource was found.' }), tree({ Error: null, ResponseData: null })])
        expect((meaningOf(status, body) as TaskFailure).cause).toBeUndefined();
      expect((meaningOf(400, { kind: 'empty' }) as TaskFailure).cause).toBeUndefined();
    },
  );
});
