import { expect, test } from 'vitest';
import { toFailure } from '../../src/client/account-task-client.ts';

const REFUSED = { code: 'TASK_REJECTED', outcome: 'REJECTED', retryable: false, errorCode: 'E17', requestId: 'r-1' };
const LOST = { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN', retryable: false, requestId: 'r-1' };
const ERROR = { message: 'No.', path: ['createAccountTask'], extensions: REFUSED };
const DATA = { __typename: 'CreateAccountTaskFailure', message: 'No.', ...REFUSED };
const PAYLOAD = { __typename: 'CreateAccountTaskPayload', replayed: false, accountTask: { id: '1' } };
const ANSWER = { data: null, errors: [ERROR] };

test.each([
  ['the answer with an error', ANSWER],
  ['the error of graphql-request', Object.assign(new Error('No.'), { response: { status: 200, ...ANSWER } })],
  ['the result of urql', { data: null, error: Object.assign(new Error('No.'), { graphQLErrors: [ERROR] }) }],
  ['the error of Apollo Client', Object.assign(new Error('No.'), { errors: [ERROR], data: null })],
  ['an answer of status 400 in Apollo Client', Object.assign(new Error('400'), { bodyText: JSON.stringify(ANSWER) })],
  ['the same in Apollo Client 3', Object.assign(new Error('400'), { networkError: { result: ANSWER } })],
  ['an answer with the failure as data', { data: { tryCreateAccountTask: DATA } }],
  ['the data alone, as graphql-request returns it', { tryCreateAccountTask: DATA }],
  ['an item of a batch', DATA],
  ['a batch', { data: { createAccountTasks: [PAYLOAD, DATA] } }],
])('toFailure reads the same failure from %s', (_, answer) => {
  expect(toFailure(answer)).toEqual({
    kind: 'answered',
    message: 'No.',
    code: 'TASK_REJECTED',
    outcome: 'REJECTED',
    retryable: false,
    errorCode: 'E17',
    errorReason: null,
    requestId: 'r-1',
  });
});

test.each([
  ['an error that a router has masked', { errors: [{ message: 'Subgraph errors redacted' }] }],
  [
    'an error with an outcome that does not exist',
    { errors: [{ message: '', extensions: { code: 'A', outcome: 'FINE' } }] },
  ],
  ['an answer without data', { data: null }],
])('toFailure takes %s for an answer of unknown outcome', (_, answer) => {
  expect(toFailure(answer)).toMatchObject({ kind: 'unexpected', code: 'UNEXPECTED_ANSWER', outcome: 'UNKNOWN' });
});

test.each([
  ['a failed fetch', new TypeError('fetch failed', { cause: new AggregateError([new Error('refused')]) })],
  [
    'a network error of urql',
    { data: undefined, error: Object.assign(new Error('x'), { networkError: new Error('x'), graphQLErrors: [] }) },
  ],
  ['an answer of status 502 in Apollo Client', Object.assign(new Error('502'), { bodyText: '<h1>Bad Gateway</h1>' })],
  ['no answer at all', undefined],
])('toFailure takes %s for an answer that did not come', (_, error) => {
  expect(toFailure(error)).toMatchObject({
    kind: 'unanswered',
    code: 'NO_ANSWER',
    outcome: 'UNKNOWN',
    retryable: false,
  });
});

test('toFailure returns the failure of unknown outcome, if there are several', () => {
  const errors = [ERROR, { message: 'Late.', extensions: LOST }];
  expect(toFailure({ data: null, errors })).toMatchObject({ code: 'UPSTREAM_TIMEOUT', message: 'Late.' });
  const failed = { message: 'Late.', ...LOST };
  expect(toFailure({ createAccountTasks: [DATA, PAYLOAD, failed] })).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
});

test.each([
  ['a created task', { data: { createAccountTask: PAYLOAD } }],
  ['the data alone', { createAccountTask: PAYLOAD }],
  ['a list', { data: { accountTasks: { edges: [] } } }],
  ['an outcome', { data: { writeOutcome: { state: 'UNKNOWN', failure: DATA } } }],
])('toFailure finds no failure in %s', (_, answer) => {
  expect(toFailure(answer)).toBeNull();
});
