import { randomUUID } from 'node:crypto';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { Call, TaskService } from '../../src/contract/task-service.ts';
import { KNOWN_TASK_ID, TASK_SERVICES } from './task-services.ts';

const TASK: NewAccountTask = {
  TaskID: KNOWN_TASK_ID,
  Frequency: 'NONE',
  StartDate: '2026-02-22T04:10:00.9543747+00:00',
  FinishDate: '2026-02-22T04:10:00.9543748+00:00',
  Parameters: '{"report":"usage"}',
  ContentType: 'application/json',
  Notification: 'NONE',
};
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const REFUSED = /^(UNAUTHENTICATED|ACCOUNT_TASK_NOT_FOUND)$/;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const PARAMETERS = [
  ' \r\n\t{ }\r\n ',
  '00123',
  '0E68',
  'true',
  'null',
  '<a b="&#65;">]]>&amp;</a>',
  '<![CDATA[x]]>',
  `'"); DROP TABLE account_tasks; --`,
  '{a,NULL,"b\\\\"}',
  '%41+%2B ?1 $1',
  '{"a":"🦊 ü \u{10FFFF}\u0085\u2028\uFFFD"}',
  `"${'🦊\r\n'.repeat(20_000)}"`,
];

const TIMESTAMPS = [
  '2026-02-22T04:10:00.9543740+00:00',
  '2026-02-22T04:10:00.0000000Z',
  '2026-02-22T04:10:00+14:00',
  '2026-02-22T04:10:00.1-11:30',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.9999999Z',
];

async function createAll(tasks: TaskService, call: Call, all: readonly NewAccountTask[]) {
  const created = await Promise.all(all.map((task) => tasks.create(task, call)));
  return created.map(({ accountTask }) => accountTask);
}

describe.each(TASK_SERVICES)('$name', ({ remembers, hasCatalogue, open }) => {
  test('returns a created task with every field as it was sent', async () => {
    const { tasks, call } = await open();
    const { accountTask, Identification, Result, replayed } = await tasks.create(TASK, call);
    expect(accountTask.fields).toMatchObject({ ...TASK, Enabled: true, LastRunOn: null });
    expect(accountTask.detail).toMatchObject(TASK);
    expect(accountTask).toMatchObject({ ID: expect.stringMatching(GUID), TaskID: KNOWN_TASK_ID });
    expect(accountTask.ClientID).toMatch(GUID);
    expect(Identification?.UserId).toEqual(expect.any(String));
    expect(Result).toMatch(/^created$/i);
    expect(replayed).toBe(false);
  });

  test('returns null or NONE for a field that was left out', async () => {
    const { tasks, call } = await open();
    const { accountTask } = await tasks.create(
      { ...TASK, StartDate: null, FinishDate: null, Notification: null },
      call,
    );
    expect(accountTask.fields).toMatchObject({ StartDate: null, FinishDate: null, Notification: 'NONE' });
  });

  test('keeps Parameters byte for byte with their own task', async () => {
    const { tasks, call } = await open();
    const created = await createAll(
      tasks,
      call,
      PARAMETERS.map((Parameters) => ({ ...TASK, Parameters })),
    );
    expect(created.map(({ fields }) => fields.Parameters)).toEqual(PARAMETERS);
    if (!remembers) return;
    const found = await tasks.find(
      created.map(({ ID }) => ID),
      call,
    );
    expect(found.map((task) => task?.fields.Parameters)).toEqual(PARAMETERS);
  });

  test('keeps the text of timestamps unchanged', async () => {
    const { tasks, call } = await open();
    const created = await createAll(
      tasks,
      call,
      TIMESTAMPS.map((StartDate) => ({ ...TASK, StartDate, FinishDate: null })),
    );
    expect(created.map(({ fields }) => fields.StartDate)).toEqual(TIMESTAMPS);
    if (!remembers) return;
    const found = await tasks.find(
      created.map(({ ID }) => ID),
      call,
    );
    expect(found).toEqual(created);
  });

  test('creates one task for each of 60 concurrent calls', async () => {
    const { tasks, call } = await open();
    const created = await createAll(
      tasks,
      call,
      Array.from({ length: 60 }, (_, index) => ({ ...TASK, Parameters: String(index) })),
    );
    expect(new Set(created.map(({ ID }) => ID)).size).toBe(60);
    expect(created.map(({ fields }) => fields.Parameters)).toEqual(created.map((_, index) => String(index)));
  });

  test('rejects the writes of a caller of a kind that it does not support, and throws from no method', async () => {
    const { tasks } = await open();
    const call: Call = { caller: { kind: 'subject', subject: 's' }, requestId: 'test' };
    const id = randomUUID();
    const [created, ...others] = await Promise.allSettled([
      tasks.create(TASK, call),
      tasks.update({ id, enabled: true, task: TASK, ifModified: null }, call),
      tasks.run({ id }, call),
      tasks.createClient({ Name: 'n', UserID: id, Secret: null }, call),
    ]);
    expect(created).toMatchObject({ status: 'rejected', reason: { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' } });
    const refused = { status: 'rejected', reason: { code: expect.stringMatching(REFUSED) as string } };
    expect(others).toMatchObject(others.map(() => refused));
    const reads = [
      tasks.find([id], call),
      tasks.list({ first: 1, after: null }, call),
      tasks.findOutcome('a key', call),
    ];
    const ended = await Promise.allSettled<unknown>(reads);
    const failures = ended.flatMap((read) => (read.status === 'rejected' ? [read.reason as unknown] : []));
    expect(failures.filter((failure) => !(failure instanceof TaskFailure))).toEqual([]);
  });

  test('an update replaces every field of a task and returns it', async () => {
    const { tasks, call } = await open();
    const { accountTask } = await tasks.create(TASK, call);
    const { ID } = accountTask;
    const cleared = { StartDate: null, FinishDate: null, Notification: null, Parameters: '<a/>' } as const;
    const task = { ...TASK, ...cleared, ContentType: 'application/xml' } as const;
    const updated = await tasks.update({ id: ID, enabled: false, task, ifModified: null }, call);
    expect(updated.accountTask?.ID).toBe(ID);
    expect(updated.accountTask?.fields).toMatchObject({ ...task, Enabled: false, Notification: 'NONE' });
    expect(updated.Result).toMatch(/^updated$/i);
    if (!remembers) return;
    expect(await tasks.find([ID], call)).toEqual([updated.accountTask]);
  });

  test('keeps the Parameters and timestamps of an update unchanged', async () => {
    const { tasks, call } = await open();
    const created = await createAll(tasks, call, [...PARAMETERS.map(() => TASK), TASK]);
    const other = created.pop();
    const sent = PARAMETERS.map((Parameters, at) => {
      return { ...TASK, Parameters, StartDate: TIMESTAMPS[at % TIMESTAMPS.length] ?? null, FinishDate: null };
    });
    const updated = await Promise.all(
      created.map(({ ID }, at) =>
        tasks.update({ id: ID, enabled: true, task: sent[at] ?? TASK, ifModified: null }, call),
      ),
    );
    expect(updated.map(({ accountTask }) => accountTask?.fields)).toMatchObject(sent);
    if (!remembers) return;
    const ids = [...created, other].map((task) => task?.ID ?? '');
    expect(await tasks.find(ids, call)).toEqual([...updated.map(({ accountTask }) => accountTask), other]);
  });

  test('reports that an update or run is of a task that does not exist', async () => {
    const { tasks, call } = await open();
    const id = randomUUID();
    const missing = { code: 'ACCOUNT_TASK_NOT_FOUND', outcome: 'REJECTED', retryable: false };
    await expect(tasks.update({ id, enabled: true, task: TASK, ifModified: null }, call)).rejects.toMatchObject(
      missing,
    );
    if (hasCatalogue) return;
    await expect(tasks.run({ id }, call)).rejects.toMatchObject(missing);
  });

  test('reports every readiness check as ok', async () => {
    const { tasks } = await open();
    const states = await Promise.all(Object.values(tasks.checks).map((check) => check()));
    expect(new Set(states)).toEqual(new Set(['ok']));
  });

  test('leaves no create with an unknown outcome when it closes, and refuses later ones', async () => {
    const { tasks, call } = await open();
    const underWay = Promise.allSettled(Array.from({ length: 5 }, () => tasks.create(TASK, call)));
    await endOfTurn();
    await tasks.close();
    const failures = (await underWay).flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(failures.filter(({ outcome }) => outcome !== 'NOT_SENT')).toEqual([]);
    await expect(tasks.create(TASK, call)).rejects.toMatchObject({ code: 'OVERLOADED', outcome: 'NOT_SENT' });
  });
});

describe.each(TASK_SERVICES.filter(({ remembers }) => remembers))('$name, which remembers,', ({ open }) => {
  test('finds tasks in the order of their IDs, and null for those the caller does not have', async () => {
    const { tasks, call, otherCall } = await open();
    const [a, b] = await createAll(tasks, call, [TASK, TASK]);
    const unknown = randomUUID();
    expect(await tasks.find([b!.ID, unknown, a!.ID, b!.ID], call)).toEqual([b, null, a, b]);
    expect(await tasks.find([a!.ID], otherCall)).toEqual([null]);
    expect(await tasks.find([], call)).toEqual([]);
  });

  test("lists the caller's tasks page by page, newest first", async () => {
    const { tasks, call, otherCall } = await open();
    const created: unknown[] = [];
    for (let count = 0; count < 5; count += 1) created.unshift((await tasks.create(TASK, call)).accountTask);
    await tasks.create(TASK, otherCall);
    const first = await tasks.list({ first: 3, after: null }, call);
    expect(first).toEqual({ tasks: created.slice(0, 3), hasNextPage: true });
    const second = await tasks.list({ first: 3, after: first.tasks.at(-1)!.ID }, call);
    expect(second).toEqual({ tasks: created.slice(3), hasNextPage: false });
  });

  test('ends a page before the task that would exceed maxBytes, and skips no task on the next page', async () => {
    const { tasks, call } = await open();
    // 100,000 bytes and half as many characters.
    const large = { ...TASK, Parameters: `"${'ü'.repeat(49_999)}"` };
    const created = [];
    for (const task of [large, large, TASK, large, large])
      created.unshift((await tasks.create(task, call)).accountTask);
    const pages = [];
    let after: string | null = null;
    do {
      const { tasks: read, hasNextPage } = await tasks.list({ first: 4, after, maxBytes: 150_000 }, call);
      pages.push(read);
      after = hasNextPage ? read.at(-1)!.ID : null;
    } while (after !== null);
    expect(pages.map(({ length }) => length)).toEqual([1, 2, 1, 1]);
    expect(pages.flat()).toEqual(created);
    expect(await tasks.list({ first: 4, after: null, maxBytes: 1 }, call)).toEqual({
      tasks: created.slice(0, 1),
      hasNextPage: true,
    });
    expect((await tasks.list({ first: 4, after: created[3]!.ID, maxBytes: 1 }, call)).hasNextPage).toBe(false);
  });

  test('finds at least one large task, stops at maxBytes and marks the tasks that it did not read', async () => {
    const { tasks, call } = await open();
    const large = { ...TASK, Parameters: `"${'ü'.repeat(49_999)}"` };
    const created = await createAll(tasks, call, [large, large, large]);
    const ids = [...created.map(({ ID }) => ID), randomUUID()];
    const found: unknown[] = [];
    for (let left = ids; left.length > 0; ) {
      const part = await tasks.find(left, call, 150_000);
      const read = part.filter((task) => task !== undefined && task !== null);
      expect(read.length).toBeLessThanOrEqual(1);
      found.push(...read);
      const rest = left.filter((_, index) => part[index] === undefined);
      expect(rest.length).toBeLessThan(left.length);
      left = rest;
    }
    expect(new Set(found)).toEqual(new Set(created));
    expect(await tasks.find(ids, call, 1_000_000)).toEqual([...created, null]);
  });

  test('replays a large result for its idempotency key', async () => {
    const { tasks, call } = await open();
    const keyed = { ...call, idempotencyKey: 'a key' };
    const large = { ...TASK, Parameters: `"${'ü'.repeat(49_999)}"` };
    const [first, other] = await Promise.all([tasks.create(large, keyed), tasks.create(large, keyed)]);
    expect(other.replayed).toBe(!first.replayed);
    expect(other.accountTask).toEqual(first.accountTask);
    expect(await tasks.create(large, keyed)).toEqual({ ...first, replayed: true });
  });

  test('tells what became of a write with a key, to its own caller only', async () => {
    const { tasks, call, otherCall } = await open();
    const keyed = { ...call, requestId: 'first', idempotencyKey: 'a key' };
    expect(await tasks.findOutcome('a key', call)).toBeNull();
    const { accountTask } = await tasks.create(TASK, keyed);
    await tasks.create(TASK, { ...keyed, requestId: 'second' });
    const outcome = await tasks.findOutcome('a key', { ...call, requestId: 'third' });
    expect(outcome).toEqual({
      operation: 'CREATE_ACCOUNT_TASK',
      state: 'SUCCEEDED',
      accountTask,
      failure: null,
      firstTriedAt: expect.stringMatching(ISO) as string,
      expiresAt: expect.stringMatching(ISO) as string,
      requestId: 'first',
      settledBy: null,
    });
    expect(Date.parse(outcome?.expiresAt ?? '') - Date.parse(outcome?.firstTriedAt ?? '')).toBe(86_400_000);
    expect(await tasks.findOutcome('a key', otherCall)).toBeNull();
    expect(await tasks.findOutcome('another key', call)).toBeNull();
  });

  test('creates one task for repeated and concurrent calls with the same idempotency key', async () => {
    const { tasks, call, otherCall } = await open();
    const keyed = { ...call, idempotencyKey: 'a key' };
    const atOnce = await Promise.all(Array.from({ length: 10 }, () => tasks.create(TASK, keyed)));
    const later = await tasks.create(TASK, keyed);
    const first = atOnce.find(({ replayed }) => !replayed);
    expect([...atOnce, later].map((created) => ({ ...created, replayed: false }))).toEqual(Array(11).fill(first));
    expect(atOnce.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(later.replayed).toBe(true);
    const other = await tasks.create(TASK, { ...otherCall, idempotencyKey: 'a key' });
    expect(other.accountTask.ID).not.toBe(later.accountTask.ID);
    await expect(tasks.create({ ...TASK, Parameters: '{}' }, keyed)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      outcome: 'NOT_SENT',
    });
  });
});

describe.each(TASK_SERVICES.filter(({ hasCatalogue }) => !hasCatalogue))('$name, which sends,', ({ open }) => {
  test('runs a task each time without a key, and adds a client', async () => {
    const { tasks, call } = await open();
    const { accountTask } = await tasks.create(TASK, call);
    for (const _ of [1, 2]) expect((await tasks.run({ id: accountTask.ID }, call)).replayed).toBe(false);
    const order = { Name: 'Reports', UserID: randomUUID(), Secret: 'a secret of 24 letters!!' };
    expect(await tasks.createClient(order, call)).toMatchObject({ ID: expect.stringMatching(GUID), Name: 'Reports' });
  });
});

describe.each(TASK_SERVICES.filter(({ hasCatalogue, remembers }) => remembers && !hasCatalogue))(
  '$name, which sends and remembers,',
  ({ open }) => {
    test('runs a task once for repeated calls with a key, and tells what became of it', async () => {
      const { tasks, call } = await open();
      const { accountTask } = await tasks.create(TASK, call);
      const keyed = { ...call, idempotencyKey: 'a key' };
      const runs = await Promise.all(Array.from({ length: 5 }, () => tasks.run({ id: accountTask.ID }, keyed)));
      expect(runs.filter(({ replayed }) => !replayed)).toHaveLength(1);
      expect(await tasks.findOutcome('a key', call)).toMatchObject({
        operation: 'RUN_ACCOUNT_TASK',
        state: 'SUCCEEDED',
        accountTask: null,
      });
      const conflict = { code: 'IDEMPOTENCY_CONFLICT', outcome: 'NOT_SENT' };
      await expect(tasks.create(TASK, keyed)).rejects.toMatchObject(conflict);
    });
  },
);

describe.each(TASK_SERVICES.filter(({ remembers }) => !remembers))('$name, which does not remember,', ({ open }) => {
  test('refuses reads because the contract has none', async () => {
    const { tasks, call } = await open();
    const refusal = {
      code: 'NOT_SUPPORTED',
      outcome: 'NOT_SENT',
      message: expect.stringContaining('offers no reads'),
    };
    await expect(tasks.find([randomUUID()], call)).rejects.toMatchObject(refusal);
    await expect(tasks.list({ first: 1, after: null }, call)).rejects.toMatchObject(refusal);
  });

  test('says that it does not know what became of a key', async () => {
    const { tasks, call } = await open();
    await expect(tasks.findOutcome('a key', call)).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      outcome: 'NOT_SENT',
      retryable: false,
    });
  });
});

describe.each(TASK_SERVICES.filter(({ hasCatalogue }) => hasCatalogue))('$name, with its catalogue,', ({ open }) => {
  test('refuses a task that is not in the catalogue and an account without a client', async () => {
    const { tasks, call } = await open();
    await expect(tasks.create({ ...TASK, TaskID: randomUUID() }, call)).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
      outcome: 'REJECTED',
    });
    const unknownCaller: Call = { ...call, caller: { kind: 'account', accountId: randomUUID(), clientId: null } };
    await expect(tasks.create(TASK, unknownCaller)).rejects.toMatchObject({
      code: 'CLIENT_REQUIRED',
      outcome: 'REJECTED',
    });
  });
});
