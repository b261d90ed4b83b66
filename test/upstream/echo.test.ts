import { describe, expect, test } from 'vitest';
import type { AnswerObserver } from '../../src/upstream/upstream-task-service.ts';
import type { UpstreamObserver } from '../../src/upstream/exchange.ts';
import { ID } from '../support/envelope-text.ts';
import { expectFailure } from './expected-failure.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { CALL, FORMATS, openTaskService, SAMPLE_TASK } from '../support/upstream-service.ts';
import { openRawService } from '../support/upstream-client.ts';

const UNREADABLE = { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN', retryable: false } as const;
const OTHER_ID = '11111111-2222-4333-8444-555555555555';
const { TaskID } = SAMPLE_TASK;

function answerWith(format: (typeof FORMATS)[number], detail: Readonly<Record<string, string>>): Buffer {
  const members = { ID, ...detail };
  const elements = Object.entries(members).map(([name, text]) => `<${name}>${text}</${name}>`);
  return httpAnswer(
    200,
    format === 'json'
      ? JSON.stringify({ ResponseData: { Detail: members } })
      : `<R><ResponseData><Detail>${elements.join('')}</Detail></ResponseData></R>`,
  );
}

function openObserver() {
  const seen: string[] = [];
  const observer: AnswerObserver & UpstreamObserver = {
    onCall: () => undefined,
    onExchange: () => undefined,
    onUnknownMember: (path) => seen.push(`unknown ${path}`),
    onChangedField: (field) => seen.push(`changed ${field}`),
    onRefused: (limit) => seen.push(`refused ${limit}`),
  };
  return { seen, observer };
}

describe.each(FORMATS)('an answer in %s', (format) => {
  test('an answer with another TaskID is a failure, not the created task', async () => {
    const service = await openRawService((socket) => socket.write(answerWith(format, { TaskID: OTHER_ID })));
    const failure = await expectFailure(openTaskService(service.url).create(SAMPLE_TASK, CALL), UNREADABLE);
    expect(failure.message).toContain('UPSTREAM_CHECK_TASK_ID=off');
    expect(service.posts).toHaveLength(1);
  });

  test('an answer with another TaskID closes its connection, so that no later create gets an earlier answer', async () => {
    const answers = [{ TaskID: OTHER_ID }, { TaskID }];
    const service = await openRawService((socket) => socket.write(answerWith(format, answers.shift() ?? {})));
    const tasks = openTaskService(service.url, { connections: 1 });
    await expectFailure(tasks.create(SAMPLE_TASK, CALL), UNREADABLE);
    await tasks.create(SAMPLE_TASK, CALL);
    expect([service.posts.length, service.connections()]).toEqual([2, 2]);
  });

  test('an answer with another TaskID is read if the check is off', async () => {
    const service = await openRawService((socket) => socket.write(answerWith(format, { TaskID: OTHER_ID })));
    const created = await openTaskService(service.url, { checksTaskId: false }).create(SAMPLE_TASK, CALL);
    expect(created.accountTask.TaskID).toBe(OTHER_ID);
  });

  test.each([
    ['without hyphens in upper case', TaskID.replaceAll('-', '').toUpperCase()],
    ['in braces', `{${TaskID}}`],
    ['in parentheses', `(${TaskID.toUpperCase()})`],
    ['between blanks', ` ${TaskID} `],
    ['as a blank', ' '],
    ['as an empty text', ''],
  ])('an answer with the TaskID written %s is the created task', async (_, written) => {
    const service = await openRawService((socket) => socket.write(answerWith(format, { TaskID: written })));
    const { accountTask } = await openTaskService(service.url).create(SAMPLE_TASK, CALL);
    expect(accountTask).toMatchObject({ ID, TaskID });
  });

  test('an answer without a TaskID is the created task', async () => {
    const service = await openRawService((socket) => socket.write(answerWith(format, {})));
    expect((await openTaskService(service.url).create(SAMPLE_TASK, CALL)).accountTask).toMatchObject({ ID, TaskID });
  });

  test('an answer with other Parameters and ContentType is the created task, and both are reported as changed', async () => {
    const changed = { TaskID, Parameters: '{"note": 1}', ContentType: 'text/json' };
    const service = await openRawService((socket) => socket.write(answerWith(format, changed)));
    const { seen, observer } = openObserver();
    const { accountTask } = await openTaskService(service.url, { observer }).create(SAMPLE_TASK, CALL);
    expect(accountTask.fields).toMatchObject({ Parameters: '{"note": 1}', ContentType: 'text/json' });
    expect(seen).toEqual(['changed Parameters', 'changed ContentType']);
  });

  test('an answer that repeats or omits the texts that were sent reports no change', async () => {
    const { Parameters, ContentType } = SAMPLE_TASK;
    const details = [{ TaskID, Parameters, ContentType }, { TaskID }];
    const service = await openRawService((socket) => socket.write(answerWith(format, details.shift() ?? {})));
    const { seen, observer } = openObserver();
    const tasks = openTaskService(service.url, { observer });
    await tasks.create(SAMPLE_TASK, CALL);
    await tasks.create(SAMPLE_TASK, CALL);
    expect(seen).toEqual([]);
  });
});

test('an answer with too many values is UNKNOWN, and is counted', async () => {
  const service = await openRawService((socket) => socket.write(httpAnswer(200, `{"a":[${'1,'.repeat(10_001)}1]}`)));
  const { seen, observer } = openObserver();
  await expectFailure(openTaskService(service.url, { observer }).create(SAMPLE_TASK, CALL), UNREADABLE);
  expect(seen).toEqual(['refused upstream_answer_values']);
});
