import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readAccountTask } from '../../src/contract/account-task.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { Caller, WriteCall, TaskService } from '../../src/contract/task-service.ts';
import { toIdentity } from '../../src/store/caller-identity.ts';
import type { Database } from '../../src/store/sql/database.ts';
import { createPurge } from '../../src/store/purge.ts';
import { insertKeys } from '../../src/store/idempotency/keys.ts';
import { createRefusedCredentials } from '../../src/store/refused-credentials.ts';
import { createTaskRecords, toRecord } from '../../src/store/task-records.ts';
import { withUpstreamRecords } from '../../src/store/upstream-records.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { startRestService } from '../support/rest-service.ts';
import { openTaskService } from '../support/upstream-service.ts';
import { withClock } from '../support/clocked-database.ts';
import { DATABASES, type DatabaseKind } from '../support/databases.ts';
import { REPORT_TASK, migratedDatabase } from '../support/sample-account.ts';
import { newAttempt } from './idempotency/new-attempt.ts';
import { withOutages } from './outages.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

const BLOCKED = { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT', message: expect.stringContaining('refused') as string };
const REFUSED = { code: 'UNAUTHENTICATED', outcome: 'REJECTED' };
const PAGE = { first: 10, after: null };
const WHILE = { timeout: 20_000, interval: 5 };
const EXPIRES_AT_MS = Date.UTC(2100, 0, 1);

afterEach(() => void vi.useRealTimers());

/** Opens two gateways over one database, in front of a service that answers some Authorization headers with an error. */
async function openGateways(kind: DatabaseKind) {
  const answers = new Map<string, number>();
  const service = await startRestService({
    answer: ({ headers }) => {
      const status = answers.get(headers.authorization ?? '');
      return status === undefined ? null : { status, body: '' };
    },
  });
  onTestFinished(() => service.close());
  const database = await migratedDatabase(kind);
  const open = (own: Database): TaskService => {
    const tasks = withUpstreamRecords(
      openTaskService(service.url, { maxInFlight: 1_000 }),
      { ...own, close: async () => {} },
      {
        leaseMs: 60_000,
        keyExpiryMs: 86_400_000,
        recordDays: null,
        keyWaitMs: 0,
        maxPending: 1_000,
        onUnwritten: () => {},
        onLateAnswer: () => {},
      },
    );
    onTestFinished(() => tasks.close());
    return tasks;
  };
  const countRefused = async () => (await database.read('SELECT credential FROM refused_credentials')).length;
  return { service, answers, database, open, countRefused, one: open(database), other: open(database) };
}

function callOf(caller: Caller | string, idempotencyKey: string | null = null): WriteCall {
  const asForwarded = typeof caller === 'string' ? { kind: 'forwarded' as const, authorization: caller } : caller;
  return { caller: asForwarded, requestId: 'test', idempotencyKey };
}

function withSubject(authorization: string): Caller {
  return { kind: 'forwarded', authorization, verified: { subject: 'user-17', expiresAtMs: EXPIRES_AT_MS } };
}

describe.each(DATABASES)('on %s', (kind) => {
  test("a 401 blocks only the records and keys of the caller's credential, in every gateway", async () => {
    const { service, answers, one, other } = await openGateways(kind);
    const { accountTask } = await one.create(REPORT_TASK, callOf('Bearer x', 'k'));
    await one.create(REPORT_TASK, callOf('Bearer y', 'k'));
    answers.set('Bearer x', 401);
    await expect(one.create(REPORT_TASK, callOf('Bearer x'))).rejects.toMatchObject(REFUSED);
    const arrived = service.requests.length;
    for (const gateway of [one, other]) {
      await expect(gateway.create(REPORT_TASK, callOf('bearer x', 'k'))).rejects.toMatchObject(BLOCKED);
      const conflicting = { ...REPORT_TASK, Parameters: '[]' };
      await expect(gateway.create(conflicting, callOf('Bearer x', 'k'))).rejects.toMatchObject(BLOCKED);
      await expect(gateway.find([accountTask.ID], callOf('Bearer x'))).rejects.toMatchObject(BLOCKED);
      await expect(gateway.list(PAGE, callOf('Bearer x'))).rejects.toMatchObject(BLOCKED);
      expect((await gateway.create(REPORT_TASK, callOf('Bearer y', 'k'))).replayed).toBe(true);
      expect((await gateway.list(PAGE, callOf('Bearer y'))).tasks).toHaveLength(1);
    }
    expect(service.requests).toHaveLength(arrived);
  });

  test('a 401 also blocks a key of unknown fate, which is not sent again', async () => {
    const { service, answers, one } = await openGateways(kind);
    answers.set('Bearer x', 500);
    await expect(one.create(REPORT_TASK, callOf('Bearer x', 'k'))).rejects.toMatchObject({ outcome: 'UNKNOWN' });
    answers.set('Bearer x', 401);
    await expect(one.create(REPORT_TASK, callOf('Bearer x', 'k-2'))).rejects.toMatchObject(REFUSED);
    await expect(one.create(REPORT_TASK, callOf('Bearer x', 'k'))).rejects.toMatchObject(BLOCKED);
    expect(service.requests).toHaveLength(2);
  });

  test('a create that the service accepts later unblocks the records and keys', async () => {
    const { answers, one, other, countRefused } = await openGateways(kind);
    const { accountTask } = await one.create(REPORT_TASK, callOf('Bearer x', 'k'));
    answers.set('Bearer x', 401);
    await expect(one.create(REPORT_TASK, callOf('Bearer x', 'new'))).rejects.toMatchObject(REFUSED);
    answers.set('Bearer x', 403);
    await expect(one.create(REPORT_TASK, callOf('Bearer x'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(other.list(PAGE, callOf('Bearer x'))).rejects.toMatchObject(BLOCKED);
    answers.clear();
    await other.create(REPORT_TASK, callOf('Bearer x', 'new'));
    expect((await one.create(REPORT_TASK, callOf('Bearer x', 'k'))).accountTask.ID).toBe(accountTask.ID);
    expect((await one.list(PAGE, callOf('Bearer x'))).tasks).toHaveLength(2);
    expect(await countRefused()).toBe(0);
  });

  test('a renewed token of the same subject can still read, the refused one cannot', async () => {
    const { answers, one, other } = await openGateways(kind);
    await one.create(REPORT_TASK, callOf(withSubject('Bearer 1'), 'k'));
    answers.set('Bearer 1', 401);
    await expect(one.create(REPORT_TASK, callOf(withSubject('Bearer 1')))).rejects.toMatchObject(REFUSED);
    await expect(other.list(PAGE, callOf(withSubject('Bearer 1')))).rejects.toMatchObject(BLOCKED);
    expect((await other.create(REPORT_TASK, callOf(withSubject('Bearer 2'), 'k'))).replayed).toBe(true);
    expect((await other.list(PAGE, callOf(withSubject('Bearer 2')))).tasks).toHaveLength(1);
    await other.create(REPORT_TASK, callOf(withSubject('Bearer 2')));
    await expect(other.list(PAGE, callOf(withSubject('Bearer 1')))).rejects.toMatchObject(BLOCKED);
  });

  test('a key whose gateway was killed is one to protect, once its lease is over', async () => {
    const { database, countRefused } = await openGateways(kind);
    const owner = toIdentity({ kind: 'forwarded', authorization: 'Bearer x' });
    const refusals = createRefusedCredentials({ database, maxPending: 10, onUnwritten: () => {} });
    onTestFinished(() => refusals.close());
    const soon = new Date(Date.now() + 60_000).toISOString();
    const key = { state: 'RUNNING', triedAt: '', leaseUntil: soon, expiresAt: soon, outcome: null } as const;
    await database.transaction((transaction) => insertKeys(transaction, [{ attempt: newAttempt({ owner }), ...key }]));
    await refusals.note(owner);
    expect(await countRefused()).toBe(0);
    await database.transaction((transaction) => transaction.write("UPDATE idempotency_keys SET lease_until = '2026'"));
    await refusals.note(owner);
    expect(await countRefused()).toBe(1);
  });

  test('refused credentials without records or keys leave no row, however many are invented', async () => {
    const { answers, one, countRefused } = await openGateways(kind);
    const headers = Array.from({ length: 20 }, (_, index) => `Bearer made-up-${index}`);
    for (const header of headers) answers.set(header, 401);
    await Promise.all(
      headers.flatMap((header) =>
        ['k-1', 'k-2'].map((key) =>
          expect(one.create(REPORT_TASK, callOf(header, key))).rejects.toMatchObject(REFUSED),
        ),
      ),
    );
    expect(await countRefused()).toBe(0);
  });

  test("a 401 to the gateway's own credentials blocks nothing", async () => {
    const { database, countRefused } = await openGateways(kind);
    const caller = { kind: 'subject', subject: 'user-17' } as const;
    const refusing = withUpstreamRecords(
      partialTaskService({
        create: () => Promise.reject(new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'REJECTED' }, 'No.')),
      }),
      { ...database, close: async () => {} },
      {
        leaseMs: 1,
        keyExpiryMs: 1,
        recordDays: null,
        keyWaitMs: 0,
        maxPending: 10,
        onUnwritten: () => {},
        onLateAnswer: () => {},
      },
    );
    onTestFinished(() => refusing.close());
    await expect(refusing.create(REPORT_TASK, callOf(caller))).rejects.toMatchObject(REFUSED);
    expect(await refusing.list(PAGE, callOf(caller))).toEqual({ tasks: [], hasNextPage: false });
    expect(await countRefused()).toBe(0);
  });

  test('a refusal that cannot be stored at once is stored when the database is available again', async () => {
    const database = await migratedDatabase(kind);
    const { database: failing, state } = withOutages(database);
    const owner = toIdentity({ kind: 'forwarded', authorization: 'Bearer x' });
    const records = createTaskRecords({ database, maxPending: 10, onUnwritten: () => {} });
    const unwritten: unknown[] = [];
    const refusals = createRefusedCredentials({
      database: failing,
      maxPending: 10,
      onUnwritten: (error) => unwritten.push(error),
    });
    onTestFinished(async () => void (await Promise.all([records.close(), refusals.close()])));
    await records.write(toRecord(owner, wholeTask()));
    state.isDown = true;
    await refusals.note(owner);
    expect(unwritten).toHaveLength(1);
    await refusals.check(owner);
    state.isDown = false;
    const check = () => refusals.check(owner).catch(({ code }: TaskFailure) => code);
    await expect.poll(check, WHILE).toBe('UNAUTHENTICATED');
  });

  test('an acceptance that is stored late does not lift a later refusal', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const clock = { nowMs: 1_000_000 };
    const database = await migratedDatabase(kind);
    const { database: failing, state } = withOutages(withClock(database, clock));
    const owner = toIdentity({ kind: 'forwarded', authorization: 'Bearer x' });
    const options = { maxPending: 10, onUnwritten: () => {}, retryMs: 1 };
    const records = createTaskRecords({ database: failing, ...options });
    const refusals = createRefusedCredentials({
      database: withClock(database, clock),
      maxPending: 10,
      onUnwritten: () => {},
    });
    onTestFinished(async () => void (await Promise.all([records.close(), refusals.close()])));
    await records.write(toRecord(owner, wholeTask()));
    state.isDown = true;
    await records.write(toRecord(owner, wholeTask('b')));
    vi.advanceTimersByTime(10_000);
    clock.nowMs += 10_000;
    await refusals.note(owner);
    state.isDown = false;
    await expect.poll(async () => (await records.list(owner, PAGE)).tasks.length, WHILE).toBe(2);
    await expect(refusals.check(owner)).rejects.toMatchObject(BLOCKED);
    await records.write(toRecord(owner, wholeTask('c')));
    await refusals.check(owner);
  });

  test('an acceptance between two refusals does not lift the second', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const clock = { nowMs: 1_000_000 };
    const database = withClock(await migratedDatabase(kind), clock);
    const { database: failing, state } = withOutages(database);
    const owner = toIdentity({ kind: 'forwarded', authorization: 'Bearer x' });
    const records = createTaskRecords({ database: failing, maxPending: 10, onUnwritten: () => {}, retryMs: 1 });
    const refusals = createRefusedCredentials({ database, maxPending: 10, onUnwritten: () => {} });
    onTestFinished(async () => void (await Promise.all([records.close(), refusals.close()])));
    const pass = (ms: number): void => {
      vi.advanceTimersByTime(ms);
      clock.nowMs += ms;
    };
    await records.write(toRecord(owner, wholeTask()));
    await refusals.note(owner);
    pass(10_000);
    state.isDown = true;
    await records.write(toRecord(owner, wholeTask('b')));
    pass(10_000);
    await refusals.note(owner);
    state.isDown = false;
    await expect.poll(async () => (await records.list(owner, PAGE)).tasks.length, WHILE).toBe(2);
    await expect(refusals.check(owner)).rejects.toMatchObject(BLOCKED);
  });

  test('a refusal that is stored late is lifted by an acceptance that came after it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const clock = { nowMs: 1_000_000 };
    const database = withClock(await migratedDatabase(kind), clock);
    const ofRefusals = withOutages(database);
    const ofRecords = withOutages(database);
    const owner = toIdentity({ kind: 'forwarded', authorization: 'Bearer x' });
    const records = createTaskRecords({
      database: ofRecords.database,
      maxPending: 10,
      onUnwritten: () => {},
      retryMs: 1,
    });
    const refusals = createRefusedCredentials({
      database: ofRefusals.database,
      maxPending: 10,
      onUnwritten: () => {},
    });
    onTestFinished(async () => void (await Promise.all([records.close(), refusals.close()])));
    await records.write(toRecord(owner, wholeTask()));
    ofRefusals.state.isDown = true;
    await refusals.note(owner);
    const pass = (ms: number): void => {
      vi.advanceTimersByTime(ms);
      clock.nowMs += ms;
    };
    pass(10_000);
    ofRecords.state.isDown = true;
    await records.write(toRecord(owner, wholeTask('b')));
    pass(10_000);
    ofRefusals.state.isDown = false;
    const isBlocked = () =>
      refusals.check(owner).then(
        () => false,
        () => true,
      );
    await expect.poll(isBlocked, WHILE).toBe(true);
    ofRecords.state.isDown = false;
    await expect.poll(async () => (await records.list(owner, PAGE)).tasks.length, WHILE).toBe(2);
    await refusals.check(owner);
  });

  test('a refusal is deleted when its token expires', async () => {
    const { answers, one, database, countRefused } = await openGateways(kind);
    await one.create(REPORT_TASK, callOf(withSubject('Bearer 1')));
    answers.set('Bearer 1', 401);
    await expect(one.create(REPORT_TASK, callOf(withSubject('Bearer 1')))).rejects.toMatchObject(REFUSED);
    const clock = { nowMs: EXPIRES_AT_MS - 1 };
    const purge = createPurge({ database: withClock(database, clock), keyExpiryMs: 86_400_000, recordDays: null });
    onTestFinished(() => purge.close());
    await purge.run();
    expect(await countRefused()).toBe(1);
    clock.nowMs += 1;
    await purge.run();
    expect(await countRefused()).toBe(0);
  });
});

function wholeTask(digit = 'a') {
  const task = readAccountTask({ ...SAMPLE_DETAIL, ID: SAMPLE_DETAIL.ID.replace(/^./, digit) }, 'Detail');
  if ('at' in task) throw new Error(task.at);
  return task;
}
