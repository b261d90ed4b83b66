import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CreatedAccountTask, readAccountTask } from '../../../src/contract/account-task.ts';
import { type FailureKind, TaskFailure } from '../../../src/contract/failure.ts';
import type { TaskService } from '../../../src/contract/task-service.ts';
import { type Database, DatabaseUnavailableError } from '../../../src/store/sql/database.ts';
import { idempotentTaskService } from '../../../src/store/idempotency/upstream-idempotency.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { withClock } from '../../support/clocked-database.ts';
import { DATABASES } from '../../support/databases.ts';
import { REPORT_TASK, migratedDatabase } from '../../support/sample-account.ts';
import { partialTaskService } from '../../support/partial-task-service.ts';

const LEASE_MS = 60_000;
const START_MS = Date.UTC(2026, 1, 22);
const GATEWAYS = [0, 1, 2];
const KEYS = ['k-1', 'k-2'];
const INPUTS = ['{"a":1}', '{"b":2}'];
const RUNS = { SQLite: 200, PostgreSQL: 50 } as const;

const ENDS = {
  created: null,
  unknown: { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' },
  rejected: { code: 'TASK_REJECTED', outcome: 'REJECTED' },
  notSent: { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
} as const satisfies Record<string, FailureKind | null>;

/** The fate of a gateway's next transaction: stored, never begun, or stored although its answer is lost. */
type Connection = 'fine' | 'down' | 'answer lost';

type Step =
  | { readonly kind: 'create'; readonly gateway: number; readonly key: number; readonly input: number }
  | { readonly kind: 'end'; readonly send: number; readonly how: keyof typeof ENDS }
  | { readonly kind: 'connection'; readonly gateway: number; readonly connection: Connection }
  | { readonly kind: 'crash'; readonly gateway: number }
  | { readonly kind: 'time'; readonly passesMs: number };

/** One request as the service received it: the truth, whatever the ledger contains. */
interface Send {
  readonly gateway: number;
  readonly key: string;
  readonly input: string;
  readonly id: string;
  state: 'held' | 'in doubt' | 'created' | 'not created';
  /** True if its gateway crashed, perhaps before it settled the attempt. */
  mayBeUnsettled: boolean;
  end: ((how: keyof typeof ENDS) => void) | null;
}

/** A gateway process. After its end it answers, sends and writes nothing. */
interface Instance {
  hasEnded: boolean;
  readonly end: PromiseWithResolvers<void>;
}

const NEVER = new Promise<never>(() => undefined);
const GATEWAY = fc.nat(GATEWAYS.length - 1);
const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      gateway: GATEWAY,
      key: fc.nat(KEYS.length - 1),
      input: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      send: fc.nat(3),
      how: fc.constantFrom(...(Object.keys(ENDS) as (keyof typeof ENDS)[])),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('connection' as const),
      gateway: GATEWAY,
      connection: fc.constantFrom<Connection>('fine', 'down', 'answer lost'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), gateway: GATEWAY }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('time' as const), passesMs: fc.constantFrom(1_000, LEASE_MS) }),
  },
);

function isOpen({ state }: Send): boolean {
  return state !== 'not created';
}

function createdTask(id: string): CreatedAccountTask {
  const accountTask = readAccountTask({ ...SAMPLE_DETAIL, ID: id }, 'Detail');
  if ('at' in accountTask) throw new Error(accountTask.at);
  return { accountTask, Identification: { UserId: 'u' }, Result: 'ok', replayed: false };
}

/** Opens gateways over one database, in front of one service that sees everything they send. */
function createWorld(unclocked: Database) {
  const clock = { nowMs: START_MS };
  const database = withClock(unclocked, clock);
  const authorization = randomUUID();
  const sends: Send[] = [];
  const problems: string[] = [];
  const instances: Instance[] = [];
  const opened: TaskService[] = [];
  const connections: Connection[] = GATEWAYS.map(() => 'fine');
  const asked: { readonly key: string; readonly input: string }[] = [];
  const pending: Promise<unknown>[] = [];
  let isEnding = false;

  const withConnection = (gateway: number, instance: Instance): Database => ({
    ...database,
    async transaction(work) {
      const connection = connections[gateway];
      if (connection === 'down') throw new DatabaseUnavailableError('it is down', { cause: null });
      if (instance.hasEnded) return NEVER;
      const result = await database.transaction(work);
      if (instance.hasEnded) return NEVER;
      if (connection !== 'answer lost') return result;
      connections[gateway] = 'fine';
      throw new DatabaseUnavailableError('the connection was lost', { cause: null, fateUnknown: true });
    },
  });
  const openGateway = (gateway: number): TaskService => {
    const instance = { hasEnded: false, end: Promise.withResolvers<void>() };
    instances[gateway] = instance;
    const service = partialTaskService({
      create: (task, call) =>
        new Promise((resolve, reject) => {
          if (instance.hasEnded) return;
          const key = String(call.idempotencyKey);
          const before = sends.filter((send) => send.key === key && isOpen(send));
          if (before.length > 0) problems.push(`${key} was sent again after one that is ${before[0]?.state}`);
          const send: Send = {
            gateway,
            key,
            input: task.Parameters,
            id: randomUUID(),
            state: 'held',
            mayBeUnsettled: false,
            end(how) {
              send.end = null;
              const failure = ENDS[how];
              if (failure === null) send.state = 'created';
              else send.state = failure.outcome === 'UNKNOWN' ? 'in doubt' : 'not created';
              if (failure === null) resolve(createdTask(send.id));
              else reject(new TaskFailure(failure, 'as asked'));
            },
          };
          sends.push(send);
          if (isEnding) send.end?.('created');
        }),
    });
    const tasks = idempotentTaskService(service, {
      database: withConnection(gateway, instance),
      leaseMs: LEASE_MS,
      keyExpiryMs: 86_400_000,
      keyWaitMs: 0,
      maxPending: 1_000,
      onUnwritten: () => {},
      onLateAnswer: () => {},
    });
    opened[gateway] = tasks;
    return tasks;
  };
  const gateways = GATEWAYS.map(openGateway);

  /** Creates a task and compares the answer with what was sent. */
  const create = async (gateway: number, key: string, input: string): Promise<string> => {
    const task = { ...REPORT_TASK, Parameters: input };
    asked.push({ key, input });
    const caller = { kind: 'forwarded', authorization } as const;
    const call = { caller, requestId: 'test', idempotencyKey: key };
    const result = await gateways[gateway]!.create(task, call).catch((error: unknown) => error);
    if (!(result instanceof Error)) {
      const { accountTask, replayed } = result as CreatedAccountTask;
      const send = sends.find(({ id }) => id === accountTask.ID);
      if (send?.state !== 'created' || send.input !== input)
        problems.push(`${key} replayed the result of another input`);
      return replayed ? 'replayed' : 'created';
    }
    if (!(result instanceof TaskFailure)) throw result;
    const isOfAnother = asked.some((other) => other.key === key && other.input !== input);
    if (result.code === 'IDEMPOTENCY_CONFLICT' && !isOfAnother) problems.push(`${key} conflicts with nothing`);
    return result.code;
  };

  /** Waits until nothing can proceed without another step. */
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await new Promise((resolve) => void setImmediate(resolve));
      await database.read('SELECT 1 AS one');
    }
  };

  const steps: { [Kind in Step['kind']]: (step: Extract<Step, { kind: Kind }>) => void } = {
    create({ gateway, key, input }) {
      const done = create(gateway, KEYS[key] ?? '', INPUTS[input] ?? '');
      pending.push(Promise.race([done, instances[gateway]?.end.promise]));
    },
    end({ send, how }) {
      const held = sends.filter(({ end }) => end !== null);
      held[send % Math.max(held.length, 1)]?.end?.(how);
    },
    connection(step) {
      connections[step.gateway] = step.connection;
    },
    crash({ gateway }) {
      const instance = instances[gateway] as Instance;
      instance.hasEnded = true;
      instance.end.resolve();
      for (const send of sends) {
        if (send.gateway === gateway) Object.assign(send, { mayBeUnsettled: true, end: null });
      }
      gateways[gateway] = openGateway(gateway);
    },
    time({ passesMs }) {
      clock.nowMs += passesMs;
    },
  };
  return {
    problems,
    sends,
    create,
    settle,
    take: (step: Step) => steps[step.kind](step as never),
    /** Restores the connections, lets the service create every task that it received, and waits for all creates. */
    async finish() {
      for (const gateway of connections.keys()) connections[gateway] = 'fine';
      isEnding = true;
      for (const { end } of sends) end?.('created');
      await Promise.all(pending);
    },
    pass: (ms: number) => void (clock.nowMs += ms),
    close: () => Promise.all(opened.map((tasks) => tasks.close())),
  };
}

test.each(DATABASES)(
  'on %s, no key is sent again unless nothing was created, whatever fails in whatever order',
  { timeout: 120_000 },
  async (kind) => {
    const database = await migratedDatabase(kind);
    const answers = new Map<string, number>();
    const count = (answer: string): unknown => answers.set(answer, (answers.get(answer) ?? 0) + 1);
    const run = async (steps: readonly (Step & { readonly hasty: boolean })[]): Promise<void> => {
      const world = createWorld(database);
      for (const { hasty, ...step } of steps) {
        world.take(step);
        if (!hasty) await world.settle();
      }
      await world.finish();
      world.pass(5 * LEASE_MS);
      const created = world.sends.filter(({ state }) => state === 'created');
      for (const gateway of GATEWAYS) {
        // The first claim at each gateway flushes its queued settlements.
        for (const { key, input } of created) await world.create(gateway, key, input);
      }
      for (const { key, input, mayBeUnsettled } of created) {
        const answer = await world.create(0, key, input);
        count(answer);
        if (answer !== 'replayed' && !mayBeUnsettled) world.problems.push(`${key} was created but answered ${answer}`);
      }
      await world.close();
      expect(world.problems).toEqual([]);
    };
    const STEPS = fc.array(
      fc.tuple(STEP, fc.boolean()).map(([step, hasty]) => ({ ...step, hasty })),
      { minLength: 5, maxLength: 30 },
    );
    await fc.assert(fc.asyncProperty(STEPS, run), { numRuns: RUNS[kind] });
    // Otherwise the test would prove nothing.
    expect(answers.get('replayed')).toBeGreaterThan(RUNS[kind] / 4);
    expect(new Set(answers.keys()).difference(new Set(['replayed', 'UPSTREAM_CONNECTION_LOST']))).toEqual(new Set());
  },
);
