import { describe, expect, test } from 'vitest';
import { redactLine, toLoggedError } from '../../src/telemetry/log.ts';

describe('a log line', () => {
  test.each([
    ['{"msg":"Authorization: Bearer abc.d-e~f+/="}', '{"msg":"Authorization: Bearer [redacted]"}'],
    ['{"msg":"basic dXNlcjpwdw== and BEARER 12345678"}', '{"msg":"basic [redacted] and BEARER [redacted]"}'],
    ['{"msg":"to postgres://me:hunter2@db/tasks?a=b"}', '{"msg":"to postgres://[redacted]@db/tasks?a=b"}'],
    ['{"msg":"to postgres://me:hunt@er2@/tasks?host=/run"}', '{"msg":"to postgres://[redacted]@/tasks?host=/run"}'],
    [
      '{"msg":"postgres:///tasks?password=hunter2&host=/run"}',
      '{"msg":"postgres:///tasks?password=[redacted]&host=/run"}',
    ],
    ['{"msg":"to https://me@host/ and http://host/a@b"}', '{"msg":"to https://[redacted]@host/ and http://host/a@b"}'],
    ['{"msg":"The bearer token has expired."}', '{"msg":"The bearer token has expired."}'],
    [
      '{"msg":"listening","address":"http://127.0.0.1:4000/"}',
      '{"msg":"listening","address":"http://127.0.0.1:4000/"}',
    ],
  ])('credentials are removed from the log line %s', (line, redacted) => {
    expect(redactLine(line)).toBe(redacted);
  });

  test('redaction is not slow for text that resembles credentials', () => {
    for (const almost of [
      'a'.repeat(200_000),
      'a://'.repeat(50_000),
      `Bearer ${' '.repeat(200_000)}`,
      'x://a'.repeat(40_000),
    ])
      expect(redactLine(almost)).toHaveLength(almost.length);
  });
});

describe('an error in the log', () => {
  test('a logged error has its type, message, code and stack, and those of its causes', () => {
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNRESET' });
    const logged = toLoggedError(new AggregateError([new Error('one of it')], 'outer', { cause }));
    expect(logged).toMatchObject({
      type: 'AggregateError',
      message: 'outer',
      stack: expect.stringContaining('log-redaction.test.ts'),
      cause: { type: 'TypeError', message: 'inner', code: 'ECONNRESET' },
      errors: [{ type: 'Error', message: 'one of it' }],
    });
  });

  test.each([
    ['what a parser attached to it', Object.assign(new Error('no HTTP'), { data: 'hunter2' })],
    [
      'what a driver attached to it',
      Object.assign(new Error('no row'), { detail: 'hunter2', where: 'hunter2', code: 7 }),
    ],
    [
      'what was attached to its cause',
      new Error('outer', { cause: Object.assign(new Error('inner'), { body: 'hunter2' }) }),
    ],
    ['a text that the engine quotes', parseError('{"Parameters": hunter2}')],
    ['a thrown value that is not an error', 'hunter2'],
    ['a cause that is not an error', new Error('outer', { cause: { password: 'hunter2' } })],
  ])('a logged error contains nothing of %s', (_what, error) => {
    expect(JSON.stringify(toLoggedError(error))).not.toContain('hunter2');
  });

  test('a logged error is finite even if its causes are circular', () => {
    const error = new Error('round');
    error.cause = error;
    expect(JSON.stringify(toLoggedError(error)).match(/round/g)).toHaveLength(6);
  });

  test('the absence of an error is logged as it is', () => {
    expect([toLoggedError(undefined), toLoggedError(null)]).toEqual([undefined, null]);
  });
});

function parseError(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}
