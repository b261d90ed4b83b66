import { describe, expect, test } from 'vitest';
import type { CreatedAccountTask, NewAccountTask } from '../../src/contract/account-task.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import { type BreakerState, circuitBreakerTaskService } from '../../src/upstream/circuit-breaker.ts';
import { SAMPLE_TASK, openTaskService } from '../support/upstream-service.ts';
import { openRawService } from '../support/upstream-client.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

const CREATED = {} as CreatedAccountTask;
const TASK = {} as NewAccountTask;
const CALL = { caller: { kind: 'forwarded', authorization: 'x' }, requestId: 'r' } as const;
const REFUSED = new TaskFailure({ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, 'Refused.');
const LATE = new TaskFailure({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 'Late.');
const BUSY = new TaskFailure({ code: 'OVERLOADED', outcome: 'NOT_SENT' }, 'Busy.');
const NO_TOKEN = new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, 'No token.');
const LOST = new TaskFailure({ code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' }, 'Lost.');
const TOO_MANY = new TaskFailure({ code: 'OVERLOADED', outcome: 'REJECTED' }, 'Too many.');
const REJECTED = new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.');

const OPEN_FOR_LONG = { failuresToOpen: 3, openMs: 60_000, maxOpenMs: 60_000, now: () => 0 };

function breakerOver(answer: () => Promise<CreatedAccountTask>, openMs: number, maxOpenMs = openMs) {
  let sent = 0;
  const states: BreakerState[] = [];
  const clock = { nowMs: 1_800_000_000_000 };
  const inner = partialTaskService({
    create: () => {
      sent += 1;
      return answer();
    },
    checks: { upstream: async () => 'ok' },
  });
  const tasks = circuitBreakerTaskService(inner, {
    failuresToOpen: 3,
    openMs,
    maxOpenMs,
    onStateChange: (state) => states.push(state),
    now: () => clock.nowMs,
  });
  const create = () =>
    tasks.create(TASK, CALL).then(
      () => 'created',
      (error: TaskFailure) => error.code,
    );
  return { tasks, create, states, clock, sent: () => sent };
}

describe('the circuit breaker', () => {
  test.each([REFUSED, LATE])('the circuit opens after consecutive failures with $code', async (failure) => {
    const { tasks, create, states, sent } = breakerOver(() => Promise.reject(failure), 60_000);
    expect([await create(), await create(), await create()]).toEqual([failure.code, failure.code, failure.code]);
    await expect(tasks.create(TASK, CALL)).rejects.toMatchObject({
      code: 'OVERLOADED',
      outcome: 'NOT_SENT',
      retryable: true,
    });
    expect(sent()).toBe(3);
    expect(states).toEqual(['open']);
    await expect(tasks.checks.circuit?.()).rejects.toThrow('nothing is sent to it');
  });

  test('the circuit stays closed while the service answers, whatever it answers', async () => {
    const answers = [REFUSED, REFUSED, REJECTED, LATE, REFUSED, LOST, LATE, LATE, TOO_MANY, LATE, LATE];
    const { create, states } = breakerOver(() => Promise.reject(answers.shift() ?? new Error('no more')), 60_000);
    for (const code of answers.map((answer) => answer.code)) expect(await create()).toBe(code);
    expect(states).toEqual([]);
  });

  test('after the open period one create probes the service, and the others are refused meanwhile', async () => {
    const trial = Promise.withResolvers<CreatedAccountTask>();
    let answer = (): Promise<CreatedAccountTask> => Promise.reject(REFUSED);
    const { tasks, create, states, sent } = breakerOver(() => answer(), 0);
    for (let count = 0; count < 3; count += 1) await create();
    answer = () => trial.promise;
    const first = create();
    expect(await create()).toBe('OVERLOADED');
    expect(sent()).toBe(4);
    trial.resolve(CREATED);
    expect(await first).toBe('created');
    expect(states).toEqual(['open', 'half-open', 'closed']);
    expect(await tasks.checks.circuit?.()).toBe('closed');
  });

  test.each([REFUSED, BUSY, NO_TOKEN, new Error('a defect')])(
    'the circuit opens again when a probe ends with $message',
    async (end) => {
      const answers = [REFUSED, REFUSED, REFUSED, end];
      const { tasks, create, states } = breakerOver(() => Promise.reject(answers.shift() ?? new Error('no more')), 0);
      for (let count = 0; count < 3; count += 1) await create();
      await expect(tasks.create(TASK, CALL)).rejects.toBe(end);
      expect(states).toEqual(['open', 'half-open', 'open']);
    },
  );

  test('the open period doubles with each failed probe, up to a limit', async () => {
    const { create, clock, sent } = breakerOver(() => Promise.reject(REFUSED), 250, 1_000);
    for (let count = 0; count < 3; count += 1) await create();
    for (const pauseMs of [250, 500, 1_000, 1_000]) {
      const before = sent();
      clock.nowMs += pauseMs - 1;
      expect(await create()).toBe('OVERLOADED');
      clock.nowMs += 1;
      expect(await create()).toBe('UPSTREAM_UNREACHABLE');
      expect(sent()).toBe(before + 1);
    }
  });

  test('the open period starts from its initial value when the circuit opens again', async () => {
    const answers = [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REJECTED, REFUSED, REFUSED, REFUSED, REJECTED];
    const { create, clock, states } = breakerOver(
      () => Promise.reject(answers.shift() ?? new Error('no more')),
      250,
      5_000,
    );
    for (let count = 0; count < 3; count += 1) await create();
    for (const pauseMs of [250, 500, 1_000]) {
      clock.nowMs += pauseMs;
      await create();
    }
    for (let count = 0; count < 3; count += 1) await create();
    clock.nowMs += 250;
    expect(await create()).toBe('TASK_REJECTED');
    expect(states.at(-1)).toBe('closed');
  });

  test.each([BUSY, new Error('a defect')])(
    'a probe that was not sent does not extend the open period: $message',
    async (end) => {
      const answers = [REFUSED, REFUSED, REFUSED, end, REJECTED];
      const { create, clock, states } = breakerOver(
        () => Promise.reject(answers.shift() ?? new Error('no more')),
        250,
        5_000,
      );
      for (let count = 0; count < 4; count += 1) {
        await create();
        clock.nowMs += 250;
      }
      await create();
      expect(states.at(-1)).toBe('closed');
    },
  );

  test('the circuit closes when a probe is answered, even with a rejection', async () => {
    const answers = [REFUSED, REFUSED, REFUSED, REJECTED];
    const { create, states } = breakerOver(() => Promise.reject(answers.shift() ?? new Error('no more')), 0);
    for (let count = 0; count < 4; count += 1) await create();
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  test.each([BUSY, NO_TOKEN])('a create that never reached the service with $code is not counted', async (refusal) => {
    const answers = [LATE, refusal, LATE, refusal, refusal, refusal, LATE];
    const { create, states } = breakerOver(() => Promise.reject(answers.shift() ?? new Error('no more')), 60_000);
    for (let count = 0; count < 6; count += 1) await create();
    expect(states).toEqual([]);
    await create();
    expect(states).toEqual(['open']);
  });

  test('the circuit opens after timeouts although most callers get no slot', async () => {
    const service = await openRawService(() => undefined);
    const inner = openTaskService(service.url, { connections: 1, maxInFlight: 5, timeoutMs: 150 });
    const states: BreakerState[] = [];
    const onStateChange = (state: BreakerState) => void states.push(state);
    const tasks = circuitBreakerTaskService(inner, { ...OPEN_FOR_LONG, onStateChange });
    const codes: string[] = [];
    const createAll = () =>
      Promise.all(
        Array.from({ length: 20 }, () =>
          tasks.create(SAMPLE_TASK, CALL).catch((error: TaskFailure) => codes.push(error.code)),
        ),
      );
    for (let round = 0; round < 3; round += 1) await createAll();
    const counted = codes.filter((code) => code !== 'OVERLOADED');
    expect([counted.length, codes.length]).toEqual([3, 60]);
    expect(states).toEqual(['open']);
  });
});

describe('readiness', () => {
  test('the gateway is ready again after the open period, without waiting for a create', async () => {
    const { tasks, create, clock, sent } = breakerOver(() => Promise.reject(REFUSED), 60_000);
    for (let count = 0; count < 3; count += 1) await create();
    clock.nowMs += 59_999;
    await expect(tasks.checks.circuit?.()).rejects.toThrow('nothing is sent to it');
    clock.nowMs += 1;
    expect(await tasks.checks.circuit?.()).toBe('half-open');
    expect(await tasks.checks.upstream?.()).toBe('ok');
    expect(sent()).toBe(3);
  });
});
