import { describe, expect, test } from 'vitest';
import type { CreatedAccountTask, NewAccountTask } from '../../src/contract/account-task.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { TaskService } from '../../src/contract/task-service.ts';
import { type BreakerState, breakingTaskService } from '../../src/upstream/circuit-breaker.ts';

const CREATED = {} as CreatedAccountTask;
const TASK = {} as NewAccountTask;
const CALL = { caller: { kind: 'forwarded', authorization: 'x' }, requestId: 'r' } as const;
const REFUSED = new TaskFailure({ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, 'Refused.');
const LATE = new TaskFailure({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 'Late.');
const REJECTED = new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.');

function breakerOver(answer: () => Promise<CreatedAccountTask>, openMs: number) {
  let sent = 0;
  const states: BreakerState[] = [];
  const inner: TaskService = {
    create: () => {
      sent += 1;
      return answer();
    },
    find: async () => [],
    list: async () => ({ tasks: [], hasNextPage: false }),
    ready: async () => {},
    close: async () => {},
  };
  const tasks = breakingTaskService(inner, { failuresToOpen: 3, openMs, onStateChange: (state) => states.push(state) });
  const create = () =>
    tasks.create(TASK, CALL).then(
      () => 'created',
      (error: TaskFailure) => error.code,
    );
  return { tasks, create, states, sent: () => sent };
}

describe('the circuit to the service', () => {
  test.each([REFUSED, LATE])('opens after failures in a row: $code', async (failure) => {
    const { tasks, create, states, sent } = breakerOver(() => Promise.reject(failure), 60_000);
    expect([await create(), await create(), await create()]).toEqual([failure.code, failure.code, failure.code]);
    await expect(tasks.create(TASK, CALL)).rejects.toMatchObject({
      code: 'OVERLOADED',
      outcome: 'NOT_SENT',
      retryable: true,
    });
    expect(sent()).toBe(3);
    expect(states).toEqual(['open']);
    await expect(tasks.ready()).rejects.toThrow('nothing is sent to it');
  });

  test('stays closed while the service answers, whatever it answers', async () => {
    const answers = [REFUSED, REFUSED, REJECTED, LATE, REFUSED, REJECTED];
    const { create, states } = breakerOver(() => Promise.reject(answers.shift() ?? new Error('no more')), 60_000);
    for (const code of answers.map((answer) => answer.code)) expect(await create()).toBe(code);
    expect(states).toEqual([]);
  });

  test('lets one create try when its time is over, and refuses the others at once meanwhile', async () => {
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
    await expect(tasks.ready()).resolves.toBeUndefined();
  });

  test('opens again when the try fails', async () => {
    const { create, states } = breakerOver(() => Promise.reject(REFUSED), 0);
    for (let count = 0; count < 4; count += 1) await create();
    expect(states).toEqual(['open', 'half-open', 'open']);
  });
});
