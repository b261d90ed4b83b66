import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CreatedAccountTask } from '../../../src/contract/account-task.ts';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { WriteCall, TaskService } from '../../../src/contract/task-service.ts';
import { type Database, DatabaseUnavailableError } from '../../../src/store/sql/database.ts';
import { CREATE, toAttempt, toKeyedAttempt } from '../../../src/store/idempotency/attempt.ts';
import {
  type AttemptReport,
  countUnknown,
  listAttempts as streamAttempts,
} from '../../../src/store/idempotency/attempt-rows.ts';
import { settleAttempt } from '../../../src/store/idempotency/settling.ts';
import type { LateAnswer } from '../../../src/store/idempotency/settlements.ts';
import { withUpstreamRecords } from '../../../src/store/upstream-records.ts';
import { type TestClock, withClock } from '../../support/clocked-database.ts';
import { DATABASES, type DatabaseKind } from '../../support/databases.ts';
import { REPORT_TASK, migratedDatabase } from '../../support/sample-account.ts';
import { withOutages } from '../outages.ts';
import { createdTask, resultOf, scriptedUpstream } from '../scripted-upstream.ts';

const LEASE_MS = 60_000;
const GUID = '0c9e0a2e-3f4b-4c52-9d0a-5f1c3f1f7a10';
const LATE = { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' } as const;
const BY = 'ann';
const STARTED = { Identification: { UserId: 'u' }, Result: 'started', replayed: false };
const unknown = () => Promise.reject(new TaskFailure(LATE, 'Late.'));
const refused = () => Promise.reject(new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.'));

function listAttempts(database: Database, onlyUnknown: boolean): Promise<readonly AttemptReport[]> {
  return Array.fromAsync(streamAttempts(database, onlyUnknown));
}

function callWith(idempotencyKey: string | null, requestId = 'r-1', authorization = 'Bearer a'): WriteCall {
  return { caller: { kind: 'forwarded', authorization }, requestId, idempotencyKey };
}

function openGateway(database: Database, inner: TaskService) {
  const late: LateAnswer[] = [];
  const tasks = withUpstreamRecords(
    inner,
    { ...database, close: async () => {} },
    {
      leaseMs: LEASE_MS,
      keyExpiryMs: 86_400_000,
      recordDays: null,
      keyWaitMs: 0,
      maxPending: 1000,
      onUnwritten: () => {},
      onLateAnswer: (answer) => late.push(answer),
    },
  );
  onTestFinished(() => tasks.close());
  return { tasks, late };
}

async function gatewayOver(kind: DatabaseKind, ...answers: readonly (() => Promise<CreatedAccountTask>)[]) {
  const clock: TestClock = { nowMs: Date.UTC(2026, 1, 22) };
  const database = withClock(await migratedDatabase(kind), clock);
  const { tasks: inner, sent } = scriptedUpstream(...answers);
  const unsettled = async (): Promise<readonly AttemptReport[]> => listAttempts(database, true);
  return { clock, database, sent, unsettled, ...openGateway(database, inner) };
}

/** Starts a create that the service does not answer until the test does. */
async function unansweredCreate(kind: DatabaseKind, key: string | null = 'k') {
  const answer = Promise.withResolvers<CreatedAccountTask>();
  const gateway = await gatewayOver(kind, () => answer.promise);
  const result = resultOf(gateway.tasks.create(REPORT_TASK, callWith(key)));
  while (gateway.sent.length === 0) await new Promise((done) => void setImmediate(done));
  return { ...gateway, answer, result };
}

function refusal(message: string | RegExp) {
  return { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', message: expect.stringMatching(message) as string };
}

describe.each(DATABASES)('on %s', (kind) => {
  describe('the record of attempts', () => {
    test('creates that end with an answer leave no attempt, with and without a key', async () => {
      const { tasks, database } = await gatewayOver(
        kind,
        async () => createdTask(),
        refused,
        async () => createdTask(GUID),
        refused,
      );
      for (const key of ['k-1', 'k-2', null, null]) await resultOf(tasks.create(REPORT_TASK, callWith(key)));
      expect(await listAttempts(database, false)).toEqual([]);
    });

    test.each([['k'], [null]])(
      'a create of unknown fate with the key %s is recorded, without its Parameters',
      async (key) => {
        const { tasks, database, unsettled } = await gatewayOver(kind, unknown);
        const task = { ...REPORT_TASK, Parameters: '{"secret":"of the caller"}' };
        await expect(tasks.create(task, callWith(key))).rejects.toMatchObject(LATE);
        expect(await unsettled()).toEqual([
          {
            id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
            state: 'UNKNOWN',
            operation: 'CREATE_ACCOUNT_TASK',
            triedAt: expect.stringMatching(/^2026-02-2[12]T/) as string,
            requestId: 'r-1',
            caller: expect.stringMatching(/^authorization:[\w-]{43}$/) as string,
            taskId: task.TaskID,
            accountTaskId: null,
            startDate: task.StartDate,
            finishDate: null,
            parametersSha256: createHash('sha256').update(task.Parameters).digest('hex'),
            idempotencyKey: key,
            keyExpiresAt: key && '2026-02-23T00:00:00.000Z',
            code: 'UPSTREAM_TIMEOUT',
            createdId: null,
            settledAt: null,
            settledBy: null,
          },
        ]);
        expect(JSON.stringify(await database.read('SELECT * FROM attempts'))).not.toMatch(/of the caller|Bearer/);
        expect(await countUnknown(database)).toBe(1);
      },
    );

    test('a create with a key is recorded before it is sent, and its fate is unknown once its lease has ended', async () => {
      const { database, clock, unsettled, answer, result } = await unansweredCreate(kind);
      expect(await listAttempts(database, false)).toMatchObject([{ state: 'IN_PROGRESS', code: null }]);
      expect(await unsettled()).toEqual([]);
      expect(await countUnknown(database)).toBe(0);
      clock.nowMs += LEASE_MS;
      expect(await unsettled()).toMatchObject([{ state: 'UNKNOWN', code: 'UPSTREAM_CONNECTION_LOST' }]);
      expect(await countUnknown(database)).toBe(1);
      answer.resolve(createdTask());
      expect(await result).toBe('created');
      expect(await listAttempts(database, false)).toEqual([]);
    });

    test('a create without a key that ends unknown while the database is down is recorded when it is back', async () => {
      const { database, state } = withOutages(await migratedDatabase(kind));
      const { tasks: inner } = scriptedUpstream(unknown);
      const { tasks } = openGateway(database, inner);
      state.isDown = true;
      await expect(tasks.create(REPORT_TASK, callWith(null))).rejects.toMatchObject(LATE);
      expect(await countUnknown(database)).toBe(0);
      state.isDown = false;
      await tasks.close();
      expect(await countUnknown(database)).toBe(1);
    });

    test('the record of a task is committed with the result of its key', async () => {
      const { database, tasks } = await gatewayOver(kind);
      let commits = 0;
      const counted = openGateway(
        { ...database, transaction: (work) => ((commits += 1), database.transaction(work)) },
        scriptedUpstream(async () => createdTask(GUID)).tasks,
      );
      const { accountTask } = await counted.tasks.create(REPORT_TASK, callWith('k'));
      expect(commits).toBe(2);
      expect(await tasks.find([accountTask.ID], callWith(null))).toEqual([accountTask]);
    });
  });

  test('all attempts are listed, oldest first, however many there are', async () => {
    const database = await migratedDatabase(kind);
    const columns = [
      'id',
      'operation',
      'scopes',
      'request_id',
      'tried_at',
      'lease_until',
      'task_id',
      'parameters_sha256',
    ];
    const rows = Array.from({ length: 1_100 }, (_, index) => {
      const time = new Date(Date.UTC(2026, 1, 22) - Math.floor(index / 3)).toISOString();
      return [randomUUID(), 'CREATE_ACCOUNT_TASK', '["s"]', 'r', time, time, GUID, 'x'];
    });
    await database.transaction((transaction) => transaction.insert('attempts', columns, rows));
    const listed = await listAttempts(database, true);
    expect(listed).toHaveLength(1_100);
    const places = listed.map(({ triedAt, id }) => `${triedAt} ${id}`);
    expect(places).toEqual(places.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(rows.map(([id]) => id)));
  });

  describe('settling', () => {
    test('a create that was settled as created is replayed with what is known of it, and can be read', async () => {
      const { tasks, database, sent, unsettled } = await gatewayOver(kind, unknown);
      await resultOf(tasks.create(REPORT_TASK, callWith('k')));
      const [{ id } = { id: '' }] = await unsettled();
      const report = await settleAttempt(database, { id }, { createdId: GUID, by: BY });
      expect(report).toMatchObject({ id, state: 'CREATED', createdId: GUID, settledBy: BY });
      expect(await unsettled()).toEqual([]);
      const { accountTask, ...result } = await tasks.create(REPORT_TASK, callWith('k', 'r-2'));
      const { TaskID, StartDate } = REPORT_TASK;
      expect(result).toEqual({ Identification: null, Result: null, replayed: true });
      expect(accountTask.detail).toEqual({ ID: GUID, TaskID, StartDate, FinishDate: null });
      expect(new Set(Object.values(accountTask.fields))).toEqual(new Set([GUID, TaskID, StartDate, null]));
      expect(await tasks.findOutcome('k', callWith(null))).toMatchObject({
        state: 'SUCCEEDED',
        accountTask,
        requestId: 'r-1',
        settledBy: BY,
      });
      expect(await tasks.find([GUID], callWith(null))).toEqual([accountTask]);
      await expect(tasks.create({ ...REPORT_TASK, Parameters: '[]' }, callWith('k'))).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      });
      expect(sent).toHaveLength(1);
    });

    test('the key of a create that was settled as not created is free, and the next create is sent', async () => {
      const { tasks, database, sent } = await gatewayOver(kind, unknown);
      await resultOf(tasks.create(REPORT_TASK, callWith('k')));
      const report = await settleAttempt(database, { requestId: 'r-1' }, { createdId: null, by: BY });
      expect(report).toMatchObject({ state: 'NOT_CREATED', createdId: null, settledBy: BY });
      expect(await tasks.findOutcome('k', callWith(null))).toBeNull();
      expect(await resultOf(tasks.create(REPORT_TASK, callWith('k', 'r-2')))).toBe('created');
      expect(sent).toHaveLength(2);
    });

    test('a create of a process that was killed is settled once its lease has ended, not before', async () => {
      const { tasks, database, clock, sent } = await unansweredCreate(kind);
      const settle = () => settleAttempt(database, { requestId: 'r-1' }, { createdId: null, by: BY });
      await expect(settle()).rejects.toMatchObject(refusal('is still in progress, until 2026-02-22T00:01:00.000Z'));
      expect(await resultOf(tasks.create(REPORT_TASK, callWith('k')))).toBe('IDEMPOTENCY_IN_PROGRESS NOT_SENT');
      clock.nowMs += LEASE_MS;
      expect(await settle()).toMatchObject({ state: 'NOT_CREATED', code: 'UPSTREAM_CONNECTION_LOST' });
      expect(await resultOf(tasks.create(REPORT_TASK, callWith('k', 'r-2')))).toBe('created');
      expect(sent).toHaveLength(2);
    });

    test('the same verdict again changes nothing, and another one is refused', async () => {
      const { tasks, database, unsettled } = await gatewayOver(kind, unknown);
      await resultOf(tasks.create(REPORT_TASK, callWith(null)));
      const [{ id } = { id: '' }] = await unsettled();
      const first = await settleAttempt(database, { id }, { createdId: GUID, by: BY });
      expect(await settleAttempt(database, { id }, { createdId: GUID, by: 'bob' })).toEqual(first);
      expect(await settleAttempt(database, { requestId: 'r-1' }, { createdId: GUID, by: 'bob' })).toEqual(first);
      const settled = `was settled as created as ${GUID} by ann at`;
      for (const createdId of [null, randomUUID()]) {
        const another = settleAttempt(database, { id }, { createdId, by: 'bob' });
        await expect(another).rejects.toMatchObject(refusal(settled));
      }
      expect(await listAttempts(database, false)).toEqual([first]);
    });

    test('a task that another create has made is refused, of any caller', async () => {
      const { tasks, database, unsettled } = await gatewayOver(
        kind,
        async () => createdTask(),
        async () => createdTask(GUID),
        unknown,
        unknown,
      );
      const { accountTask } = await tasks.create(REPORT_TASK, callWith('k-1'));
      await tasks.create(REPORT_TASK, callWith(null, 'r-1', 'Bearer b'));
      for (const key of ['k-2', 'k-3']) await resultOf(tasks.create(REPORT_TASK, callWith(key)));
      const [one, two] = await unsettled();
      for (const createdId of [accountTask.ID, GUID]) {
        const settling = settleAttempt(database, { id: one?.id ?? '' }, { createdId, by: BY });
        await expect(settling).rejects.toMatchObject(refusal(`account task ${createdId} was created by another`));
      }
      const createdId = randomUUID();
      await settleAttempt(database, { id: one?.id ?? '' }, { createdId, by: BY });
      const again = settleAttempt(database, { id: two?.id ?? '' }, { createdId, by: BY });
      await expect(again).rejects.toMatchObject(refusal(`attempt ${one?.id} was settled with this task`));
      expect(await unsettled()).toEqual([two]);
    });

    test('a request is refused unless it names one attempt, and its attempts are listed', async () => {
      const { tasks, database, unsettled } = await gatewayOver(kind, unknown, unknown, unknown);
      for (const request of ['r-1', 'r-1', 'r-2'])
        await resultOf(tasks.create(REPORT_TASK, callWith(randomUUID(), request)));
      const verdict = { createdId: null, by: BY };
      const ofRequest = (await unsettled()).filter(({ requestId }) => requestId === 'r-1');
      const both = settleAttempt(database, { requestId: 'r-1' }, verdict);
      await expect(both).rejects.toMatchObject(refusal('names 2 attempts'));
      for (const { id } of ofRequest) await expect(both).rejects.toMatchObject(refusal(id));
      expect(await unsettled()).toHaveLength(3);
      await settleAttempt(database, { id: ofRequest[0]?.id ?? '' }, verdict);
      expect(await settleAttempt(database, { requestId: 'r-1' }, verdict)).toMatchObject({ id: ofRequest[1]?.id });
      await expect(settleAttempt(database, { requestId: 'r-3' }, verdict)).rejects.toMatchObject(
        refusal('there is no attempt of request r-3'),
      );
      await expect(settleAttempt(database, { id: GUID }, verdict)).rejects.toMatchObject(
        refusal(`there is no attempt ${GUID}`),
      );
    });

    test.each([true, false])('a run that was settled as ran (%s) is replayed or free', async (hasRun) => {
      const { database, unsettled } = await gatewayOver(kind);
      const answers = [unknown, async () => STARTED];
      const { tasks } = openGateway(database, {
        ...scriptedUpstream().tasks,
        run: () => answers.shift()?.() ?? unknown(),
      });
      const run = () => tasks.run({ id: GUID }, callWith('k'));
      await expect(run()).rejects.toMatchObject(LATE);
      const [report] = await unsettled();
      expect(report).toMatchObject({
        operation: 'RUN_ACCOUNT_TASK',
        accountTaskId: GUID,
        taskId: null,
        parametersSha256: null,
        startDate: null,
      });
      await expect(settleAttempt(database, { requestId: 'r-1' }, { createdId: GUID, by: BY })).rejects.toMatchObject(
        refusal('is a run: give --ran or --not-ran'),
      );
      const settled = await settleAttempt(database, { requestId: 'r-1' }, { hasRun, by: BY });
      expect(settled).toMatchObject({ state: hasRun ? 'RAN' : 'NOT_RAN', accountTaskId: GUID, createdId: null });
      expect(await settleAttempt(database, { requestId: 'r-1' }, { hasRun, by: 'bob' })).toEqual(settled);
      await expect(settleAttempt(database, { requestId: 'r-1' }, { hasRun: !hasRun, by: BY })).rejects.toMatchObject(
        refusal(`was settled as ${hasRun ? 'ran' : 'not ran'} by ann`),
      );
      expect(await run()).toEqual(
        hasRun ? { Identification: null, Result: null, replayed: true } : { ...STARTED, replayed: false },
      );
      expect(await tasks.findOutcome('k', callWith(null))).toMatchObject({
        operation: 'RUN_ACCOUNT_TASK',
        state: 'SUCCEEDED',
        accountTask: null,
        settledBy: hasRun ? BY : null,
      });
      expect(await tasks.find([GUID], callWith(null))).toEqual([null]);
    });

    test('a create is not settled as a run', async () => {
      const { tasks, database } = await gatewayOver(kind, unknown);
      await resultOf(tasks.create(REPORT_TASK, callWith('k')));
      await expect(settleAttempt(database, { requestId: 'r-1' }, { hasRun: true, by: BY })).rejects.toMatchObject(
        refusal('is a create: give --created or --not-created'),
      );
    });

    test('of two attempts that are settled at once with one task, one is refused', async () => {
      const { tasks, database } = await gatewayOver(kind, ...Array.from({ length: 20 }, () => unknown));
      for (let round = 0; round < 10; round += 1) {
        const requests = [`a-${round}`, `b-${round}`];
        for (const request of requests) await resultOf(tasks.create(REPORT_TASK, callWith(request, request)));
        const createdId = randomUUID();
        const results = await Promise.allSettled(
          requests.map((requestId) => settleAttempt(database, { requestId }, { createdId, by: BY })),
        );
        expect(results.map(({ status }) => status).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
          'fulfilled',
          'rejected',
        ]);
        expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
          reason: refusal('was settled with this task'),
        });
      }
    });

    test('of two operators who settle at once one wins, and the other is told', async () => {
      const { tasks, database } = await gatewayOver(kind, ...Array.from({ length: 10 }, () => unknown));
      for (const index of Array(10).keys()) {
        await resultOf(tasks.create(REPORT_TASK, callWith(String(index), `r-${index}`)));
        const name = { requestId: `r-${index}` };
        const results = await Promise.allSettled([
          settleAttempt(database, name, { createdId: randomUUID(), by: 'ann' }),
          settleAttempt(database, name, { createdId: null, by: 'bob' }),
        ]);
        const [winner, ...others] = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        expect(others).toEqual([]);
        expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
          reason: refusal(`was settled as .* by ${winner?.settledBy}`),
        });
      }
    });

    test('a settlement whose commit is uncertain names its attempt, since the request may have another by then', async () => {
      const { tasks, database } = await gatewayOver(kind, unknown, unknown);
      await resultOf(tasks.create(REPORT_TASK, callWith('k', 'r-1')));
      const [first] = await listAttempts(database, true);
      const uncertain: Database = {
        ...database,
        async transaction(work) {
          await database.transaction(work);
          throw new DatabaseUnavailableError('the connection was lost', { cause: null, fateUnknown: true });
        },
      };
      const verdict = { createdId: null, by: BY };
      await expect(settleAttempt(uncertain, { requestId: 'r-1' }, verdict)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringContaining(`Settle it again with --id ${first?.id}: `) as unknown,
      });
      await resultOf(tasks.create(REPORT_TASK, callWith('k-2', 'r-1')));
      await settleAttempt(database, { id: first?.id ?? '' }, verdict);
      expect(await listAttempts(database, true)).toMatchObject([{ idempotencyKey: 'k-2', state: 'UNKNOWN' }]);
    });

    test('a settled attempt whose key has expired leaves the key alone', async () => {
      const { tasks, database, clock, sent } = await gatewayOver(kind, unknown);
      await resultOf(tasks.create(REPORT_TASK, callWith('k')));
      clock.nowMs += 86_400_000;
      const second = await tasks.create(REPORT_TASK, callWith('k', 'r-2'));
      await settleAttempt(database, { requestId: 'r-1' }, { createdId: GUID, by: BY });
      expect(await tasks.create(REPORT_TASK, callWith('k'))).toEqual({ ...second, replayed: true });
      expect(sent).toHaveLength(2);
    });
  });

  describe('an answer that arrives after its create was settled', () => {
    test('a created task does not replace the settlement, but is recorded and reported', async () => {
      const { tasks, database, clock, late, answer, result } = await unansweredCreate(kind);
      clock.nowMs += LEASE_MS;
      const { id } = await settleAttempt(database, { requestId: 'r-1' }, { createdId: GUID, by: BY });
      const { accountTask } = createdTask();
      answer.resolve(createdTask());
      expect(await result).toBe('created');
      expect(late).toEqual([{ attempt: id, requestId: 'r-1', accountTask: accountTask.ID }]);
      expect((await tasks.create(REPORT_TASK, callWith('k'))).accountTask.ID).toBe(GUID);
      expect(await listAttempts(database, false)).toMatchObject([{ id, createdId: GUID, settledBy: BY }]);
      expect((await tasks.find([accountTask.ID], callWith(null)))[0]?.ID).toBe(accountTask.ID);
    });

    test.each([
      ['a created task', async () => createdTask(), true],
      ['a refusal', refused, false],
    ])('%s leaves a key alone that was free and has been used again', async (_what, end, isCreated) => {
      const { tasks, database, clock, late, answer, result } = await unansweredCreate(kind);
      clock.nowMs += LEASE_MS;
      await settleAttempt(database, { requestId: 'r-1' }, { createdId: null, by: BY });
      const again = await tasks.create(REPORT_TASK, callWith('k', 'r-2'));
      answer.resolve(end());
      await result;
      expect(late).toMatchObject([{ requestId: 'r-1', accountTask: isCreated ? createdTask().accountTask.ID : null }]);
      expect(await tasks.create(REPORT_TASK, callWith('k'))).toEqual({ ...again, replayed: true });
    });

    test('an unknown end changes nothing and is not reported', async () => {
      const { tasks, database, clock, late, answer, result } = await unansweredCreate(kind);
      clock.nowMs += LEASE_MS;
      await settleAttempt(database, { requestId: 'r-1' }, { createdId: GUID, by: BY });
      answer.reject(new TaskFailure(LATE, 'Late.'));
      expect(await result).toBe('UPSTREAM_TIMEOUT UNKNOWN');
      expect(late).toEqual([]);
      expect((await tasks.create(REPORT_TASK, callWith('k'))).accountTask.ID).toBe(GUID);
    });
  });
});

test('an attempt holds no Parameters, so that thousands of them can wait for the database', () => {
  const task = { ...REPORT_TASK, Parameters: JSON.stringify('secret') };
  const keyed = toKeyedAttempt(CREATE, task, callWith('k'));
  for (const attempt of [keyed, toAttempt(CREATE, task, callWith(null), 0)])
    expect(JSON.stringify(attempt)).not.toContain('secret');
  expect(keyed?.facts.parametersSha256).toBe(createHash('sha256').update(task.Parameters).digest('hex'));
});
