import { describe, expect, test } from 'vitest';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { checkedTaskService } from '../../src/contract/checked-task-service.ts';
import type { Call, TaskService } from '../../src/contract/task-service.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';

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
  accountTask: { ID, TaskID, ClientID: null, fields: { ID, TaskID }, detail: { ID, TaskID } },
  Identification: null,
  Result: null,
  replayed: false,
};
const unexpected = () => {
  throw new Error('not expected to be called');
};

function listeningService() {
  const heard: unknown[] = [];
  const inner: TaskService = {
    create: async (...call) => {
      heard.push(call);
      return CREATED;
    },
    find: unexpected,
    list: unexpected,
    checks: {},
    close: unexpected,
  };
  return { heard, inner };
}

const xmlProblem = (text: string) => (text.startsWith('<') ? null : 'no element');

describe('checkedTaskService', () => {
  test.each([true, false])('passes a good task on unchanged (travels as XML: %s)', async (travelsAsXml) => {
    const { heard, inner } = listeningService();
    const service = checkedTaskService(inner, { xmlProblem, travelsAsXml, keyRefusal: null });
    expect(await service.create(TASK, CALL)).toBe(CREATED);
    expect(heard).toStrictEqual([[TASK, CALL]]);
  });

  test.each([
    ['JSON that is none', { Parameters: '{' }, false, /^parameters: is not JSON/],
    [
      'XML that is none',
      { Parameters: '{}', ContentType: 'application/xml' },
      false,
      /^parameters: is not well-formed/,
    ],
    ['half a character', { Parameters: '"\uD800"' }, false, /^parameters: holds an unpaired surrogate/],
    [
      'a character XML cannot carry, on its way as XML',
      { Parameters: '"\uFFFE"' },
      true,
      /^parameters: holds U\+FFFE, which XML 1\.0 cannot carry$/,
    ],
  ] as const)('refuses %s before the service hears of it', async (_, change, travelsAsXml, message) => {
    const { heard, inner } = listeningService();
    const service = checkedTaskService(inner, { xmlProblem, travelsAsXml, keyRefusal: null });
    await expect(service.create({ ...TASK, ...change }, CALL)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      outcome: 'NOT_SENT',
      message: expect.stringMatching(message) as string,
    });
    expect(heard).toStrictEqual([]);
  });

  test('a character XML cannot carry may travel as JSON', async () => {
    const { heard, inner } = listeningService();
    const task = { ...TASK, Parameters: '"\uFFFE"' };
    await checkedTaskService(inner, { xmlProblem, travelsAsXml: false, keyRefusal: null }).create(task, CALL);
    expect(heard).toStrictEqual([[task, CALL]]);
  });

  test("every other method is the inner service's own", () => {
    const { inner } = listeningService();
    const service = checkedTaskService(inner, { xmlProblem, travelsAsXml: true, keyRefusal: null });
    expect({ ...service, create: null }).toStrictEqual({ ...inner, create: null });
  });
});
