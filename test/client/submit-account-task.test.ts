import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  forgetAccountTask,
  forgetTaskRun,
  pendingAccountTasks,
  pendingTaskRuns,
  type Send,
  submitAccountTask,
  type SubmitOptions,
  submitTaskRun,
} from '../../src/client/account-task-client.ts';
import { type RestReply, startRestService } from '../support/rest-service.ts';
import { memoryStorage, newInput, openLossyClient, startDemoGateway, startUpstreamGateway } from './demo-gateway.ts';

const HOUR_MS = 3_600_000;
const CREATE = 'TryCreateAccountTask';
const ASK = 'WriteOutcome';

const demo = await startDemoGateway();
/** The answer of the service in the current test; null for its normal one. */
let reply: RestReply | null;
const service = await startRestService({ answer: () => reply });
const forwarding = await startUpstreamGateway(service.url);
afterAll(() => Promise.all([demo, forwarding, service].map((part) => part.close())));
beforeEach(() => {
  reply = null;
});

async function startClient() {
  const client = await openLossyClient(demo);
  const storage = memoryStorage();
  const input = newInput();
  return {
    ...client,
    input,
    storage,
    submit: (given = input, callerId = 'ann') =>
      submitAccountTask(client.send, given, { storage, callerId, keyLifetimeMs: HOUR_MS }),
    /** Submits the input with the TaskID of a fault. */
    submitFault: (digits: string, callerId = 'ann') => {
      const faulty = { ...input, taskId: `fa000000-0000-4000-8000-000000000${digits}` };
      return submitAccountTask(client.send, faulty, { storage, callerId, keyLifetimeMs: HOUR_MS });
    },
    /** Changes the one key that is stored. */
    change: (fields: object) => {
      for (const [name, text] of storage.texts)
        storage.texts.set(name, JSON.stringify({ ...(JSON.parse(text) as object), ...fields }));
    },
  };
}

function askAgain<Result>(result: {
  readonly kind: string;
  readonly askAgain?: () => Promise<Result>;
}): Promise<Result> {
  if (!result.askAgain) throw new Error(`The fate of the write is known: ${result.kind}`);
  return result.askAgain();
}

describe('submitAccountTask', () => {
  test('stores the key before anything leaves, and forgets it when the task is created', async () => {
    const { send, input, storage, count } = await startClient();
    const stored: unknown[] = [];
    const watch: typeof send = (operation) => {
      stored.push(...[...storage.texts.values()].map((text) => JSON.parse(text) as unknown));
      return send(operation);
    };
    const options = { storage, callerId: 'ann', keyLifetimeMs: HOUR_MS };
    const result = await submitAccountTask(watch, input, options);
    expect(result).toMatchObject({ kind: 'created', replayed: false, accountTask: { taskId: input.taskId } });
    expect(stored).toEqual([
      {
        idempotencyKey: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        callerId: 'ann',
        triedAtMs: expect.any(Number) as number,
        mayExist: true,
      },
    ]);
    expect(pendingAccountTasks(storage)).toEqual([]);
    await submitAccountTask(send, input, options);
    expect(await count()).toBe(2);
  });

  test('asks what became of a create whose answer was lost, and finds its task', async () => {
    const { submit, lose, names, count, storage } = await startClient();
    lose('answer');
    expect(await submit()).toMatchObject({ kind: 'unknown', failure: { kind: 'unanswered', code: 'NO_ANSWER' } });
    expect(await submit()).toMatchObject({ kind: 'unknown', failure: { code: 'NO_ANSWER' } });
    lose(null);
    expect(await submit()).toMatchObject({ kind: 'created', replayed: true });
    expect(names()).toEqual([CREATE, ASK, ASK]);
    expect([await count(), pendingAccountTasks(storage)]).toEqual([1, []]);
  });

  test('sends a create that was lost again with its key', async () => {
    const { submit, lose, names, keys, count } = await startClient();
    lose('request');
    const lost = await submit();
    lose(null);
    expect(await askAgain(lost)).toMatchObject({ kind: 'created', replayed: false });
    expect(names()).toEqual([CREATE, ASK, CREATE]);
    expect([keys(), await count()]).toEqual([1, 1]);
  });

  test('finds the task of the fault …504, which was created without an answer', async () => {
    const { submitFault, count } = await startClient();
    const lost = await submitFault('504');
    expect(lost).toMatchObject({ kind: 'unknown', failure: { kind: 'answered', code: 'UPSTREAM_TIMEOUT' } });
    expect(await askAgain(lost)).toMatchObject({ kind: 'created', replayed: true });
    expect(await count()).toBe(1);
  });

  test('never sends a create of unknown fate again', async () => {
    const { submitFault, names } = await startClient();
    const failed = { kind: 'unknown', failure: { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' } };
    expect(await submitFault('500')).toMatchObject(failed);
    expect(await submitFault('500')).toMatchObject(failed);
    expect(names()).toEqual([CREATE, ASK]);
  });

  test('forgets the key of a refused create, and keeps that of one that may be tried again', async () => {
    const { submitFault, keys, names, storage, change } = await startClient();
    const refused = { kind: 'not-created', failure: { code: 'TASK_REJECTED', errorCode: 'E17', retryable: false } };
    expect(await submitFault('422')).toMatchObject(refused);
    expect(storage.texts.size).toBe(0);
    const unsent = { kind: 'not-created', failure: { code: 'UPSTREAM_UNREACHABLE', retryable: true } };
    expect(await submitFault('503')).toMatchObject(unsent);
    expect(await submitFault('503')).toMatchObject(unsent);
    expect([names(), keys()]).toEqual([[CREATE, CREATE, CREATE], 2]);
    change({ triedAtMs: 0 });
    expect(await submitFault('503')).toMatchObject(unsent);
    expect(await submitFault('503', 'bob')).toMatchObject(unsent);
    expect(keys()).toBe(4);
  });

  test('says UNKNOWN if only a later try is known not to have been sent', async () => {
    const { submit, lose, authorize, count } = await startClient();
    lose('answer');
    await submit();
    lose(null);
    authorize('Bearer expired');
    expect(await submit()).toMatchObject({
      kind: 'unknown',
      failure: { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    });
    authorize(null);
    expect(await submit()).toMatchObject({ kind: 'created', replayed: true });
    expect(await count()).toBe(1);
  });

  test.each([
    ['old', { triedAtMs: 0 }],
    ['of a clock that was set back', { triedAtMs: Date.now() + 24 * HOUR_MS }],
  ])('does not send a create again whose key is %s', async (_, fields) => {
    const { submit, lose, change, names } = await startClient();
    lose('request');
    await submit();
    lose(null);
    change(fields);
    const expired = { kind: 'unknown', failure: { kind: 'withheld', code: 'KEY_EXPIRED', outcome: 'UNKNOWN' } };
    const result = await submit();
    expect(result).toMatchObject(expired);
    expect(await askAgain(result)).toMatchObject(expired);
    expect(names()).toEqual([CREATE, ASK, ASK]);
  });

  test('finds the task of an old key that the gateway still knows', async () => {
    const { submit, lose, change } = await startClient();
    lose('answer');
    await submit();
    lose(null);
    change({ triedAtMs: 0 });
    expect(await submit()).toMatchObject({ kind: 'created', replayed: true });
  });

  test('sends nothing for another caller than that of the key', async () => {
    const { submit, input, lose, names, count } = await startClient();
    lose('answer');
    await submit();
    lose(null);
    expect(await submit(input, 'bob')).toMatchObject({
      kind: 'unknown',
      failure: { code: 'OTHER_CALLER', outcome: 'UNKNOWN' },
    });
    expect(names()).toEqual([CREATE]);
    expect(await submit()).toMatchObject({ kind: 'created', replayed: true });
    expect(await count()).toBe(1);
  });

  test.each(['getItem', 'setItem'] as const)('sends nothing if %s of the storage throws', async (method) => {
    const { send, input, sent, storage } = await startClient();
    const full = {
      ...storage,
      [method]() {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
      },
    };
    const options = { storage: full, callerId: 'ann', keyLifetimeMs: HOUR_MS };
    expect(await submitAccountTask(send, input, options)).toMatchObject({
      kind: 'not-created',
      failure: { code: 'STORAGE_FAILED', outcome: 'NOT_SENT' },
    });
    expect(sent).toEqual([]);
  });

  test('reports a created task although its key cannot be forgotten, and finds it the next time', async () => {
    const { send, input, storage, count } = await startClient();
    const stuck = {
      ...storage,
      setItem(name: string, text: string) {
        if (storage.texts.size > 0) throw new Error('The storage is full.');
        storage.setItem(name, text);
      },
      removeItem() {
        throw new Error('The storage is gone.');
      },
    };
    const options = { storage: stuck, callerId: 'ann', keyLifetimeMs: HOUR_MS };
    const results = [await submitAccountTask(send, input, options), await submitAccountTask(send, input, options)];
    expect(results).toMatchObject([{ replayed: false }, { replayed: true }]);
    expect(await count()).toBe(1);
  });

  test.each(['', '{', 'null', '{"idempotencyKey":"k"}'])(
    'sends nothing if the stored key is damaged (%s), until it is forgotten',
    async (text) => {
      const { submit, input, lose, storage, sent, count } = await startClient();
      lose('answer');
      await submit();
      lose(null);
      for (const name of storage.texts.keys()) storage.texts.set(name, text);
      const lost = { kind: 'unknown', failure: { code: 'KEY_LOST', outcome: 'UNKNOWN' } };
      const result = await submit();
      expect([result, await askAgain(result)]).toMatchObject([lost, lost]);
      expect(sent).toHaveLength(1);
      forgetAccountTask(storage, input);
      expect(await submit()).toMatchObject({ kind: 'created', replayed: false });
      expect(await count()).toBe(2);
    },
  );

  test('creates one task for two calls at once with one storage', async () => {
    const { submit, input, keys, count } = await startClient();
    const { notification, ...others } = input;
    const results = await Promise.all([submit(), submit({ notification, ...others }), submit()]);
    const settled = await Promise.all(
      results.map(async (result) => (result.kind === 'unknown' ? result.askAgain() : result)),
    );
    expect(settled.map(({ kind }) => kind)).toEqual(['created', 'created', 'created']);
    expect([keys(), await count()]).toEqual([1, 1]);
  });

  test('creates two tasks for two inputs at once', async () => {
    const { submit, count } = await startClient();
    await Promise.all([submit(), submit(newInput())]);
    expect(await count()).toBe(2);
  });

  test('sends the key of a create in progress, for which the gateway waits', async () => {
    const { submit, input, lose, storage } = await startClient();
    lose('answer');
    await submit();
    const failure = { code: 'IDEMPOTENCY_IN_PROGRESS', outcome: 'NOT_SENT', retryable: true, message: '' };
    const inProgress: Send = async ({ type }) =>
      type === 'query'
        ? { data: { writeOutcome: { state: 'IN_PROGRESS', accountTask: null, failure: null } } }
        : { data: { tryCreateAccountTask: failure } };
    const options = { storage, callerId: 'ann', keyLifetimeMs: HOUR_MS };
    expect(await submitAccountTask(inProgress, input, options)).toMatchObject({ kind: 'unknown', failure });
    expect(storage.texts.size).toBe(1);
  });

  test.each([null, {}, { data: null }, { data: { tryCreateAccountTask: {} } }, 'Bad Gateway'])(
    'takes an answer that no gateway wrote for one of unknown fate: %j',
    async (answer) => {
      const storage = memoryStorage();
      const options = { storage, callerId: 'ann', keyLifetimeMs: HOUR_MS };
      const first = await submitAccountTask(async () => answer, newInput(), options);
      expect([first, await askAgain(first)]).toMatchObject([{ kind: 'unknown' }, { kind: 'unknown' }]);
      expect(storage.texts.size).toBe(1);
    },
  );
});

test.each<[string, string, (send: Send, options: SubmitOptions) => Promise<unknown>, object]>([
  [
    'created task',
    'created',
    (send, options) => submitAccountTask(send, newInput(), options),
    { tryCreateAccountTask: { accountTask: { id: 'a' }, replayed: false } },
  ],
  [
    'finished run',
    'ran',
    (send, options) => submitTaskRun(send, randomUUID(), options),
    { tryRunAccountTask: { accountTaskId: 'a', replayed: false } },
  ],
])('the key of a %s leaves the storage after a second', async (_, kind, submit, data) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const storage = memoryStorage();
  const options = { storage, callerId: 'ann', keyLifetimeMs: HOUR_MS };
  expect(await submit(async () => ({ data }), options)).toMatchObject({ kind });
  vi.advanceTimersByTime(999);
  expect(storage.texts.size).toBe(1);
  vi.advanceTimersByTime(1);
  expect(storage.texts.size).toBe(0);
});

test('pendingAccountTasks returns the inputs of creates whose fate is not known', async () => {
  const { submit, input, lose, storage } = await startClient();
  storage.setItem('of another program', '{}');
  lose('answer');
  await submit();
  expect(pendingAccountTasks(storage)).toEqual([input]);
});

describe('submitTaskRun', () => {
  /** Registers a task with the service, and opens a client to run it. */
  async function startRunner() {
    const client = await openLossyClient(forwarding);
    const storage = memoryStorage();
    const options = { callerId: 'ann', keyLifetimeMs: HOUR_MS };
    // A storage of its own, because the key of the create stays there for a second.
    const created = await submitAccountTask(client.send, newInput(), { ...options, storage: memoryStorage() });
    const id = created.kind === 'created' ? created.accountTask.id : '';
    client.sent.length = 0;
    return {
      ...client,
      id,
      storage,
      runs: () => service.runs.filter((run) => run === id),
      run: (givenId = id) => submitTaskRun(client.send, givenId, { ...options, storage }),
      answer: (next: RestReply | null) => void (reply = next),
    };
  }
  const RUN = 'TryRunAccountTask';

  test('runs a task once for each time that it is called', async () => {
    const { run, id, runs, keys, storage } = await startRunner();
    const ran = { kind: 'ran', accountTaskId: id, replayed: false };
    expect([await run(), await run()]).toEqual([ran, ran]);
    expect([runs(), keys()]).toEqual([[id, id], 2]);
    expect(pendingTaskRuns(storage)).toEqual([]);
  });

  test('asks what became of a run whose answer was lost, and does not run the task again', async () => {
    const { run, id, runs, lose, names, storage } = await startRunner();
    lose('answer');
    const lost = await run();
    expect(lost).toMatchObject({ kind: 'unknown', failure: { kind: 'unanswered', code: 'NO_ANSWER' } });
    expect([pendingTaskRuns(storage), pendingAccountTasks(storage)]).toEqual([[id], []]);
    lose(null);
    expect(await askAgain(lost)).toEqual({ kind: 'ran', accountTaskId: id, replayed: true });
    expect([names(), runs()]).toEqual([[RUN, ASK], [id]]);
  });

  test('sends a run that was lost again with its key', async () => {
    const { run, id, runs, lose, names, keys } = await startRunner();
    lose('request');
    await run();
    lose(null);
    expect(await run()).toEqual({ kind: 'ran', accountTaskId: id, replayed: false });
    expect([names(), keys(), runs()]).toEqual([[RUN, ASK, RUN], 1, [id]]);
  });

  test('never sends a run of unknown fate again, until it is forgotten', async () => {
    const { run, id, runs, answer, names, storage } = await startRunner();
    answer({ status: 502, body: 'Bad gateway' });
    const failed = { kind: 'unknown', failure: { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN', retryable: false } };
    expect([await run(), await run()]).toMatchObject([failed, failed]);
    answer(null);
    expect(await run()).toMatchObject(failed);
    expect([names(), runs()]).toEqual([[RUN, ASK, ASK], []]);
    forgetTaskRun(storage, id);
    expect(await run()).toMatchObject({ kind: 'ran', replayed: false });
    expect(runs()).toEqual([id]);
  });

  test('knows a run by its ID in every form that the gateway accepts', async () => {
    const { run, id, runs, answer, storage } = await startRunner();
    const forms = [id.toUpperCase(), `{${id}}`, `(${id})`, id.replaceAll('-', '')];
    answer({ status: 502, body: 'Bad gateway' });
    await run(`{${id.toUpperCase()}}`);
    answer(null);
    for (const form of forms) expect(await run(form)).toMatchObject({ kind: 'unknown' });
    expect([runs(), pendingTaskRuns(storage)]).toEqual([[], [id]]);
    forgetTaskRun(storage, id.toUpperCase());
    expect(pendingTaskRuns(storage)).toEqual([]);
  });

  test('forgets the key of a refused run', async () => {
    const { run, answer, storage } = await startRunner();
    answer({ status: 404, body: JSON.stringify({ Message: 'No such task.' }) });
    expect(await run()).toMatchObject({
      kind: 'not-run',
      failure: { code: 'ACCOUNT_TASK_NOT_FOUND', outcome: 'REJECTED', retryable: false },
    });
    expect(storage.texts.size).toBe(0);
  });

  test('says NOT_SUPPORTED where the gateway itself keeps the tasks', async () => {
    const { send } = await startClient();
    const options = { storage: memoryStorage(), callerId: 'ann', keyLifetimeMs: HOUR_MS };
    expect(await submitTaskRun(send, '6f9619ff-8b86-d011-b42d-00c04fc964ff', options)).toMatchObject({
      kind: 'not-run',
      failure: { code: 'NOT_SUPPORTED', outcome: 'NOT_SENT' },
    });
  });

  test('runs a task once for three calls at once with one storage', async () => {
    const { run, id, runs } = await startRunner();
    const results = await Promise.all([run(), run(), run()]);
    const settled = await Promise.all(
      results.map(async (result) => (result.kind === 'unknown' ? await result.askAgain() : result)),
    );
    expect(settled.map(({ kind }) => kind)).toEqual(['ran', 'ran', 'ran']);
    expect(runs()).toEqual([id]);
  });
});
