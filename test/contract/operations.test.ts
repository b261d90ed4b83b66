import { describe, expect, test } from 'vitest';
import type { AnswerBody } from '../../src/contract/envelope.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { JsonValue } from '../../src/contract/json-value.ts';
import { OPERATIONS } from '../../src/contract/operations.ts';
import type { WriteInput, WriteName } from '../../src/contract/task-service.ts';
import { encodeAnswer, readAnswerBody } from '../../src/wire/codec.ts';
import { SAMPLE_DETAIL, TASK } from '../support/contract-samples.ts';
import { meaningOfWrite, tree } from '../support/meaning.ts';
import { bytesOf } from '../support/wire-texts.ts';

const ID = SAMPLE_DETAIL.ID;
const SECRET = 'correct horse battery';
const INPUTS: { readonly [Name in WriteName]: WriteInput<Name> } = {
  create: TASK,
  update: { id: ID, enabled: false, task: TASK, ifModified: null },
  run: { id: ID },
  createClient: { Name: 'a client', UserID: ID, Secret: SECRET },
};
const SIBLINGS = ['update', 'run', 'createClient'] as const;
type Sibling = (typeof SIBLINGS)[number];

const CLIENT = { ID, Name: 'a client', Secret: 'from the service' };
const REJECTED = 'TASK_REJECTED REJECTED';
const UNREADABLE = 'UPSTREAM_UNREADABLE UNKNOWN';
const NOT_FOUND = 'ACCOUNT_TASK_NOT_FOUND REJECTED';
const FAILED = 'UPSTREAM_FAILED UNKNOWN';

const BLANK = { update: 'done', run: 'done', createClient: UNREADABLE } as const;
const WITH_IDS = { update: 'shown', run: 'done', createClient: 'shown' } as const;
/** The TaskID that was sent completes only the Detail of a create. */
const WITH_ID = { update: UNREADABLE, run: 'done', createClient: 'shown' } as const;
const UNREADABLE_ONLY = { update: UNREADABLE, run: UNREADABLE, createClient: UNREADABLE } as const;
/** A run does not look at its Detail. */
const WHOLE_ONLY = { update: UNREADABLE, run: 'done', createClient: UNREADABLE } as const;

const withDetail = (Detail?: JsonValue): AnswerBody =>
  tree({ Error: null, ResponseData: { Identification: { UserId: 'u' }, Result: 'r', Detail } });

/** The meaning of an answer with status 2xx by its body, for each operation. */
const SUCCESSES: readonly (readonly [string, AnswerBody, Readonly<Record<Sibling, string>>])[] = [
  ['a whole account task', withDetail(SAMPLE_DETAIL), WITH_IDS],
  ['a client', withDetail(CLIENT), WITH_ID],
  ['a client with members in another order and case', withDetail({ secret: 's', name: 'n', id: ID, More: 1 }), WITH_ID],
  ['a Detail with an ID only', withDetail({ ID }), WITH_ID],
  ['a Detail with a blank TaskID', withDetail({ ID, TaskID: ' ' }), WITH_ID],
  ['an empty Detail', withDetail({}), BLANK],
  ['a Detail of nulls', withDetail({ ID: null, TaskID: null, Name: '' }), BLANK],
  ['a null Detail', withDetail(null), BLANK],
  ['no Detail', withDetail(), BLANK],
  ['a blank Detail', withDetail(' '), BLANK],
  ['a Detail without ID', withDetail({ TaskID: TASK.TaskID, Name: 'n' }), WHOLE_ONLY],
  ['a Detail with an ID that is no GUID', withDetail({ ID: '7', TaskID: TASK.TaskID }), WHOLE_ONLY],
  ['a Detail with the ID of nothing', withDetail({ ID: '0'.repeat(32), Name: 'n' }), WHOLE_ONLY],
  ['a Detail that is text', withDetail('started'), WHOLE_ONLY],
  ['a client with a Secret that is no text', withDetail({ ...CLIENT, Secret: 5 }), WHOLE_ONLY],
  ['no ResponseData', tree({ Error: null }), UNREADABLE_ONLY],
  ['a framework message', tree({ Message: 'An error has occurred.' }), UNREADABLE_ONLY],
  ['a foreign object', tree({ ok: true }), UNREADABLE_ONLY],
  ['an empty body', { kind: 'empty' }, UNREADABLE_ONLY],
  ['an unreadable body', { kind: 'unreadable', at: 'the answer', problem: 'is cut short' }, UNREADABLE_ONLY],
  [
    'an Error',
    tree({ Error: { ErrorCode: 'E17' }, ResponseData: { Detail: SAMPLE_DETAIL } }),
    { update: REJECTED, run: REJECTED, createClient: REJECTED },
  ],
];

function verdictOf(name: Sibling, status: number, body: AnswerBody): string {
  const meaning = meaningOfWrite(name, status, body, INPUTS[name]);
  if (meaning instanceof TaskFailure) return `${meaning.code} ${meaning.outcome}`;
  return ('accountTask' in meaning && meaning.accountTask) || 'ID' in meaning ? 'shown' : 'done';
}

describe.each(SIBLINGS)('the truth table of %s', (name) => {
  test.each(SUCCESSES)('with status 2xx, %s', (_, body, expected) => {
    for (const status of [200, 201, 204]) expect(verdictOf(name, status, body)).toBe(expected[name]);
  });

  test.each([
    ['an envelope', withDetail({}), true],
    ['an envelope with an Error', tree({ Error: { ErrorReason: 'No such task.' } }), true],
    ['a framework message', tree({ Message: 'Not found.' }), true],
    ['a foreign object', tree({ status: 404 }), false],
    ['an empty body', { kind: 'empty' }, false],
  ] as const)('with status 404 and %s', (_, body, isOwn) => {
    expect(verdictOf(name, 404, body)).toBe(isOwn && name !== 'createClient' ? NOT_FOUND : REJECTED);
    const { cause } = meaningOfWrite(name, 404, body, INPUTS[name]) as TaskFailure;
    expect(cause instanceof Error && cause.message.startsWith('UPSTREAM_URL is probably wrong')).toBe(!isOwn);
  });

  test.each(SUCCESSES)('with other statuses, %s', (_, body) => {
    const hasError = JSON.stringify(body).includes('E17');
    for (const status of [400, 402, 405, 409, 410, 422]) expect(verdictOf(name, status, body)).toBe(REJECTED);
    for (const status of [408, 499]) expect(verdictOf(name, status, body)).toBe(hasError ? REJECTED : UNREADABLE);
    for (const status of [500, 503]) expect(verdictOf(name, status, body)).toBe(FAILED);
    for (const status of [301, 304]) expect(verdictOf(name, status, body)).toBe(UNREADABLE);
    expect(verdictOf(name, 401, body)).toBe('UNAUTHENTICATED REJECTED');
    expect(verdictOf(name, 403, body)).toBe('FORBIDDEN REJECTED');
    expect(verdictOf(name, 429, body)).toBe('OVERLOADED REJECTED');
  });

  test('the messages of its failures name it, and not a create', () => {
    const { action, subject, unknownFate } = OPERATIONS[name];
    const messageOf = (status: number) =>
      (meaningOfWrite(name, status, { kind: 'empty' }, INPUTS[name]) as TaskFailure).message;
    expect(messageOf(403)).toContain(action);
    expect(messageOf(429)).toContain(subject);
    for (const status of [200, 302, 503]) expect(messageOf(status)).toMatch(new RegExp(`; ${unknownFate}\\.$`));
  });
});

describe.each(['json', 'xml'] as const)('the results in %s', (format) => {
  const read = <Name extends WriteName>(name: Name, Detail: JsonValue) => {
    const { answer } = OPERATIONS[name];
    const envelope = { Error: null, ResponseData: { Identification: { UserId: 'u' }, Result: 'r', Detail } };
    const body = readAnswerBody(bytesOf(encodeAnswer(format, envelope as never, answer)), null, answer);
    return meaningOfWrite(name, 200, body, INPUTS[name]);
  };

  test('an update shows the task, if its answer does', () => {
    expect(read('update', SAMPLE_DETAIL)).toMatchObject({
      accountTask: { ID, fields: SAMPLE_DETAIL },
      Identification: { UserId: 'u' },
      Result: 'r',
    });
    expect(read('update', {})).toEqual({ accountTask: null, Identification: { UserId: 'u' }, Result: 'r' });
  });

  test('a run has what the envelope says', () => {
    expect(read('run', {})).toEqual({ Identification: { UserId: 'u' }, Result: 'r', replayed: false });
  });

  test('a client has its ID in one form, its name and secret, and the Detail as it came', () => {
    const detail = { ID: `{${ID.toUpperCase()}}`, Name: 'a client', Secret: '  s<&>  ', AccountID: '7' };
    expect(read('createClient', detail)).toEqual({ ID, Name: 'a client', Secret: '  s<&>  ', detail });
  });

  test('a client whose answer has no secret has the one that was sent', () => {
    expect(read('createClient', { ID })).toMatchObject({ ID, Name: null, Secret: SECRET });
  });
});

describe('a secret that the service repeats in its Error', () => {
  const failureOf = (Error: JsonValue, secret = SECRET) =>
    meaningOfWrite('createClient', 400, tree({ Error }), { ...INPUTS.createClient, Secret: secret }) as TaskFailure;

  test.each([
    ['whole', `Bad secret ${SECRET}.`],
    ['in another case', SECRET.toUpperCase()],
    ['cut off', `Bad secret "${SECRET.slice(0, 12)}…"`],
    ['escaped', SECRET.replaceAll(' ', '%20')],
    ['percent-encoded', `Bad secret ${Buffer.from(SECRET).toString('hex').replace(/../g, '%$&')}.`],
    ['in base64', `Bad secret "${Buffer.from(SECRET).toString('base64')}".`],
    ['in base64 and cut off', `Bad secret ${Buffer.from(SECRET).toString('base64').slice(0, 12)}…`],
    ['in base64 for URLs after a slash', `/clients/${Buffer.from(`name:${SECRET}`).toString('base64url')}`],
    ['percent-encoded in base64', encodeURIComponent(Buffer.from(SECRET).toString('base64'))],
  ])('is withheld if it is %s', (_, text) => {
    const { message, errorCode, errorReason } = failureOf({ ErrorCode: 'E17', ErrorReason: text });
    expect({ message, errorCode, errorReason }).toEqual({
      message: 'The service refused the client (E17).',
      errorCode: 'E17',
      errorReason: null,
    });
    expect(failureOf({ ErrorCode: text, ErrorReason: 'Bad.' })).toMatchObject({ message: 'Bad.', errorCode: null });
  });

  test('is withheld if it is short', () => {
    expect(failureOf({ ErrorReason: 'Bad secret abc.' }, 'abc')).toMatchObject({ errorReason: null });
  });

  test('does not hide other reasons', () => {
    const reason = 'The secret is too weak.';
    expect(failureOf({ ErrorReason: reason })).toMatchObject({ message: reason, errorReason: reason });
  });
});
