import { describe, expect, test, vi } from 'vitest';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { checkedTaskService } from '../../src/contract/checked-task-service.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { Call } from '../../src/contract/task-service.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

const CALL: Call = { caller: { kind: 'subject', subject: 'someone' }, requestId: 'r-1' };
const TASK: NewAccountTask = {
  TaskID: SAMPLE_DETAIL.TaskID,
  Frequency: 'NONE',
  StartDate: null,
  FinishDate: null,
  Parameters: '{}',
  ContentType: 'application/json',
  Notification: null,
};
const { ID, TaskID } = SAMPLE_DETAIL;
const CREATED = {
  accountTask: { ID, TaskID, ClientID: null, fields: { ID, TaskID }, detail: { ID, TaskID }, recordedAt: null },
  Identification: null,
  Result: null,
  replayed: false,
};
const unexpected = () => {
  throw new Error('This method must not be called.');
};

/** A task service that records its creates. */
function recordingService() {
  const calls: unknown[] = [];
  const inner = partialTaskService({
    create: async (...call) => {
      calls.push(call);
      return CREATED;
    },
    find: unexpected,
    list: unexpected,
    close: unexpected,
  });
  return { calls, inner };
}

const xmlProblem = (text: string) => (text.startsWith('<') ? null : 'no element');

describe('checkedTaskService', () => {
  test.each([true, false])('passes a valid task on unchanged (sent as XML: %s)', async (travelsAsXml) => {
    const { calls, inner } = recordingService();
    const service = checkedTaskService(inner, { xmlProblem, travelsAsXml, keyRefusal: null, requiresKey: false });
    expect(await service.create(TASK, CALL)).toBe(CREATED);
    expect(calls).toStrictEqual([[TASK, CALL]]);
  });

  test('rejects a write whose check or method throws, instead of throwing', async () => {
    const defect = new Error('a defect');
    const fail = () => {
      throw defect;
    };
    const inner = { ...recordingService().inner, run: fail, findOutcome: fail };
    const checks = { xmlProblem: fail, travelsAsXml: false, keyRefusal: null, requiresKey: false };
    const service = checkedTaskService(inner, checks);
    const calls = [
      service.create({ ...TASK, ContentType: 'application/xml' }, CALL),
      service.run({ id: ID }, CALL),
      service.findOutcome('k', CALL),
    ];
    const rejected = { status: 'rejected', reason: defect };
    expect(await Promise.allSettled<unknown>(calls)).toEqual([rejected, rejected, rejected]);
  });

  test.each([
    ['Parameters that are not JSON', { Parameters: '{' }, false, /^parameters: is not JSON/],
    [
      'Parameters that are not XML',
      { Parameters: '{}', ContentType: 'application/xml' },
      false,
      /^parameters: is not well-formed/,
    ],
    ['an unpaired surrogate', { Parameters: '"\uD800"' }, false, /^parameters: contains an unpaired surrogate/],
    [
      'a character that XML cannot carry if sent as XML',
      { Parameters: '"\uFFFE"' },
      true,
      /^parameters: contains U\+FFFE, which XML 1\.0 cannot carry$/,
    ],
  ] as const)('refuses %s without calling the service', async (_, change, travelsAsXml, message) => {
    const { calls, inner } = recordingService();
    const service = checkedTaskService(inner, { xmlProblem, travelsAsXml, keyRefusal: null, requiresKey: false });
    await expect(service.create({ ...TASK, ...change }, CALL)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      outcome: 'NOT_SENT',
      message: expect.stringMatching(message) as string,
    });
    expect(calls).toStrictEqual([]);
  });

  test('accepts a character that XML cannot carry if sent as JSON', async () => {
    const { calls, inner } = recordingService();
    const task = { ...TASK, Parameters: '"\uFFFE"' };
    await checkedTaskService(inner, { xmlProblem, travelsAsXml: false, keyRefusal: null, requiresKey: false }).create(
      task,
      CALL,
    );
    expect(calls).toStrictEqual([[task, CALL]]);
  });

  test.each(['', 'x'.repeat(256), 'a\u0000b'])('refuses to look up the key %j', async (key) => {
    const { inner } = recordingService();
    const service = checkedTaskService(inner, {
      xmlProblem,
      travelsAsXml: false,
      keyRefusal: null,
      requiresKey: false,
    });
    await expect(service.findOutcome(key, CALL)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(/^idempotencyKey: /) as string,
    });
    expect(await service.findOutcome('a key', CALL)).toBeNull();
  });

  test('leaves every other method of the service unchanged', () => {
    const { inner } = recordingService();
    const service = checkedTaskService(inner, { xmlProblem, travelsAsXml: true, keyRefusal: null, requiresKey: false });
    const replaced = { create: null, update: null, run: null, createClient: null, findOutcome: null };
    expect({ ...service, ...replaced }).toStrictEqual({ ...inner, ...replaced });
  });

  test('refuses a create without a key where keys are required, and passes one with a key on', async () => {
    const { calls, inner } = recordingService();
    const service = checkedTaskService(inner, { xmlProblem, travelsAsXml: false, keyRefusal: null, requiresKey: true });
    for (const call of [CALL, { ...CALL, idempotencyKey: null }])
      await expect(service.create(TASK, call)).rejects.toMatchObject({
        code: 'BAD_USER_INPUT',
        outcome: 'NOT_SENT',
        message:
          'idempotencyKey: expected a key of 1 to 255 characters, got none; this gateway refuses creates and runs without one',
      });
    expect(calls).toEqual([]);
    await service.create(TASK, { ...CALL, idempotencyKey: 'k' });
    expect(calls).toHaveLength(1);
  });
});

test.each(['UPSTREAM_TIMEOUT', 'UPSTREAM_FAILED', 'STORE_FAILED'] as const)(
  'an update that fails with %s is retryable, and a create is not',
  async (code) => {
    const cause = new Error('the cause');
    const evidence = { errorCode: 'E17', errorReason: 'why', cause };
    const fail = () => Promise.reject(new TaskFailure({ code, outcome: 'UNKNOWN' }, 'Nobody knows.', evidence));
    const inner = { ...recordingService().inner, create: fail, update: fail };
    const service = checkedTaskService(inner, {
      xmlProblem,
      travelsAsXml: false,
      keyRefusal: null,
      requiresKey: false,
    });
    const facts = { code, outcome: 'UNKNOWN', message: 'Nobody knows.', ...evidence };
    const update = { id: ID, enabled: true, task: TASK, ifModified: null };
    await expect(service.update(update, CALL)).rejects.toMatchObject({ ...facts, retryable: true });
    await expect(service.create(TASK, CALL)).rejects.toMatchObject({ ...facts, retryable: false });
  },
);

test('an update that was refused is as retryable as a create', async () => {
  const kinds = [
    { code: 'TASK_REJECTED', outcome: 'REJECTED' },
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
  ] as const;
  for (const kind of kinds) {
    const failure = new TaskFailure(kind, 'No.');
    const inner = { ...recordingService().inner, update: () => Promise.reject(failure) };
    const service = checkedTaskService(inner, {
      xmlProblem,
      travelsAsXml: false,
      keyRefusal: null,
      requiresKey: false,
    });
    await expect(service.update({ id: ID, enabled: true, task: TASK, ifModified: null }, CALL)).rejects.toBe(failure);
  }
});

describe('the checks of the other writes', () => {
  const NO_KEY = { xmlProblem, travelsAsXml: true, keyRefusal: null, requiresKey: true };
  const update = (Parameters: string) => ({ id: ID, enabled: true, task: { ...TASK, Parameters }, ifModified: null });
  const client = (Name: string, Secret: string | null) => ({ Name, UserID: ID, Secret });
  const BAD = { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' };

  test.each([
    [
      'update',
      update('{'),
      'parameters: is not JSON although contentType is application/json: syntax error at character 2',
    ],
    ['update', update('"\uFFFE"'), 'parameters: contains U+FFFE, which XML 1.0 cannot carry'],
    [
      'run',
      { id: ID },
      'idempotencyKey: expected a key of 1 to 255 characters, got none; this gateway refuses creates and runs without one',
    ],
    ['createClient', client('', null), 'name: expected 1 to 18 characters, not only blanks, got 0'],
    ['createClient', client('n'.repeat(19), null), 'name: expected 1 to 18 characters, not only blanks, got 19'],
    ['createClient', client('n', '  '), 'secret: expected 1 to 50 characters, not only blanks, got 2'],
    ['createClient', client('n', 's'.repeat(51)), 'secret: expected 1 to 50 characters, not only blanks, got 51'],
    ['createClient', client('n', 'secret \u0001'), 'secret: contains U+0001, which XML 1.0 cannot carry'],
    ['createClient', client('\uD800', null), 'name: contains an unpaired surrogate, which no encoding can carry'],
  ] as const)('%s refuses %j', async (name, input, message) => {
    const unexpectedCall = vi.fn<() => Promise<never>>();
    const inner = { ...recordingService().inner, [name]: unexpectedCall };
    const service = checkedTaskService(inner, NO_KEY);
    await expect(service[name](input as never, CALL)).rejects.toMatchObject({ ...BAD, message });
    expect(unexpectedCall).not.toHaveBeenCalled();
  });

  test('valid inputs are passed on, an update and a client without a key too', async () => {
    const passed: unknown[] = [];
    const pass = async (input: unknown) => {
      passed.push(input);
      return {} as never;
    };
    const inner = { ...recordingService().inner, update: pass, run: pass, createClient: pass };
    const service = checkedTaskService(inner, NO_KEY);
    const inputs = [update('{}'), { id: ID }, client('n'.repeat(18), 's'.repeat(50))] as const;
    await service.update(inputs[0], CALL);
    await service.run(inputs[1], { ...CALL, idempotencyKey: 'k' });
    await service.createClient(inputs[2], CALL);
    expect(passed).toEqual(inputs);
  });
});
