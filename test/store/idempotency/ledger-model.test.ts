import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CreatedAccountTask, readAccountTask } from '../../../src/contract/account-task.ts';
import { type FailureKind, TaskFailure } from '../../../src/contract/failure.ts';
import type { TaskService } from '../../../src/contract/task-service.ts';
import { type Database, DatabaseUnavailableError } from '../../../src/store/sql/database.ts';
import { idempotentTaskService } from '../../../src/store/idempotency/upstream-idempotency.ts';
import { createLedger, type Ledger } from '../../../src/store/idempotency/ledger.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { withClock } from '../../support/clocked-database.ts';
import { DATABASES } from '../../support/databases.ts';
import { SAMPLE_TASK, migratedDatabase } from '../../support/sample-account.ts';

const LEASE_MS = 60_000;
const START_MS = Date.UTC(2026, 1, 22);
const GATEWAYS = [0, 1, 2];

/** As in a rolling upgrade: one gateway still identifies callers by their header, the others by the subject of their JWT. */
function isOfVersion01(gateway: number): boolean {
  return gateway === 0;
}
const KEYS = ['k-1', 'k-2'];
const INPUTS = ['{"a":1}', '{"b":2}'];
const RUNS = { SQLite: 200, PostgreSQL: 50 } as const;

const ENDS = {
  created: null,
  unknown: { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' },
  rejected: { code: 'TASK_REJECTED', outcome: 'REJECTED' },
  notSent: { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
} as const satisfies Record<string, FailureKind | null>;

/** What happens to a gateway's next transaction: it is stored, never begun, or stored though nobody learns of it. */
type Weather = 'fine' | 'away' | 'answer lost';

type Step =
  | { readonly kind: 'create'; readonly gateway: number; readonly key: number; readonly input: number }
  | { readonly kind: 'end'; readonly send: number; readonly how: keyof typeof ENDS }
  | { readonly kind: 'weather'; readonly gateway: number; readonly weather: Weather }
  | { readonly kind: 'crash'; readonly gateway: number }
  | { readonly kind: 'time'; readonly passesMs: number };

/** One request as the service knows it: the truth, whatever is written down. */
interface Send {
  readonly gateway: number;
  readonly key: string;
  readonly input: string;
  readonly id: string;
  state: 'held' | 'in doubt' | 'created' | 'not created';
  /** Its gateway crashed, maybe before it could write down what became of it. */
  isForgotten: boolean;
  end: ((how: keyof typeof ENDS) => void) | null;
}

/** A process that is over answers nobody, and sends and writes nothing any more. */
interface Life {
  isOver: boolean;
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
      kind: fc.constant('weather' as const),
      gateway: GATEWAY,
      weather: fc.constantFrom<Weather>('fine', 'away', 'answer lost'),
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

/** Gateways over one database, in front of one service that sees everything they send. */
function createWorld(unclocked: Database) {
  const clock = { nowMs: START_MS };
  const database = withClock(unclocked, clock);
  const authorization = randomUUID();
  const sends: Send[] = [];
  const problems: string[] = [];
  const lives: Life[] = [];
  const ledgers: Ledger[] = [];
  const weather: Weather[] = GATEWAYS.map(() => 'fine');
  const asked: { readonly key: string; readonly input: string }[] = [];
  const underWay: Promise<unknown>[] = [];
  let isEnding = false;

  const weathered = (gateway: number, life: Life): Database => ({
    ...database,
    async transaction(work) {
      const today = weather[gateway];
      if (today === 'away') throw new DatabaseUnavailableError('it is away', { cause: null });
      if (life.isOver) return NEVER;
      const result = await database.transaction(work);
      if (life.isOver) return NEVER;
      if (today !== 'answer lost') return result;
      weather[gateway] = 'fine';
      throw new DatabaseUnavailableError('the connection was lost', { cause: null, fateUnknown: true });
    },
  });
  const openGateway = (gateway: number): TaskService => {
    const life = { isOver: false, end: Promise.withResolvers<void>() };
    lives[gateway] = life;
    const ledger = createLedger({
      database: weathered(gateway, life),
      leaseMs: LEASE_MS,
      expiryMs: 86_400_000,
      maxPending: 1_000,
      onUnsettled: () => {},
    });
    ledgers[gateway] = ledger;
    const service: TaskService = {
      create: (task, call) =>
        new Promise((resolve, reject) => {
          if (life.isOver) return;
          const key = String(call.idempotencyKey);
          const before = sends.filter((send) => send.key === key && isOpen(send));
          if (before.length > 0) problems.push(`${key} was sent again after one that is ${before[0]?.state}`);
          const send: Send = {
            gateway,
            key,
            input: task.Parameters,
            id: randomUUID(),
            state: 'held',
            isForgotten: false,
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
      find: async () => [],
      list: async () => ({ tasks: [], hasNextPage: false }),
      checks: {},
      close: async () => {},
    };
    return idempotentTaskService(service, { ledger, waitMs: 0 });
  };
  const gateways = GATEWAYS.map(openGateway);

  /** What is answered must be true of what was sent. */
  const create = async (gateway: number, key: string, input: string): Promise<string> => {
    const task = { ...SAMPLE_TASK, Parameters: input };
    asked.push({ key, input });
    const verified = isOfVersion01(gateway) ? {} : { verified: { subject: authorization, expiresAtMs: 0 } };
    const caller = { kind: 'forwarded', authorization, ...verified } as const;
    const call = { caller, requestId: 'test', idempotencyKey: key };
    const result = await gateways[gateway]!.create(task, call).catch((error: unknown) => error);
    if (!(result instanceof Error)) {
      const { accountTask, replayed } = result as CreatedAccountTask;
      const send = sends.find(({ id }) => id === accountTask.ID);
      if (send?.state !== 'created' || send.input !== input) problems.push(`${key} gave what is not its own`);
      return replayed ? 'replayed' : 'created';
    }
    if (!(result instanceof TaskFailure)) throw result;
    const isOfAnother = asked.some((other) => other.key === key && other.input !== input);
    if (result.code === 'IDEMPOTENCY_CONFLICT' && !isOfAnother) problems.push(`${key} conflicts with nothing`);
    return result.code;
  };

  /** Lets everything that can go on do so. */
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await new Promise((resolve) => void setImmediate(resolve));
      await database.read('SELECT 1 AS one');
    }
  };

  const steps: { [Kind in Step['kind']]: (step: Extract<Step, { kind: Kind }>) => void } = {
    create({ gateway, key, input }) {
      const done = create(gateway, KEYS[key] ?? '', INPUTS[input] ?? '');
      underWay.push(Promise.race([done, lives[gateway]?.end.promise]));
    },
    end({ send, how }) {
      const held = sends.filter(({ end }) => end !== null);
      held[send % Math.max(held.length, 1)]?.end?.(how);
    },
    weather(step) {
      weather[step.gateway] = step.weather;
    },
    crash({ gateway }) {
      const life = lives[gateway] as Life;
      life.isOver = true;
      life.end.resolve();
      for (const send of sends) {
        if (send.gateway === gateway) Object.assign(send, { isForgotten: true, end: null });
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
    /** The weather is fine again, the service creates whatever reaches it, and everything comes to its end. */
    async clearUp() {
      for (const gateway of weather.keys()) weather[gateway] = 'fine';
      isEnding = true;
      for (const { end } of sends) end?.('created');
      await Promise.all(underWay);
    },
    pass: (ms: number) => void (clock.nowMs += ms),
    close: () => Promise.all(ledgers.map((ledger) => ledger.close())),
  };
}

test.each(DATABASES)(
  'on %s, whatever fails and in whatever order, no key is sent again unless nothing came of it',
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
      await world.clearUp();
      world.pass(5 * LEASE_MS);
      const created = world.sends.filter(({ state }) => state === 'created');
      for (const gateway of GATEWAYS) {
        // The first to claim a key at each gateway waits for what that gateway owes the database.
        for (const { key, input } of created) await world.create(gateway, key, input);
      }
      for (const { key, input, isForgotten } of created) {
        const answer = await world.create(0, key, input);
        count(answer);
        if (answer !== 'replayed' && !isForgotten) world.problems.push(`${key} was created, and gave ${answer}`);
      }
      await world.close();
      expect(world.problems).toEqual([]);
    };
    const STEPS = fc.array(
      fc.tuple(STEP, fc.boolean()).map(([step, hasty]) => ({ ...step, hasty })),
      { minLength: 5, maxLength: 30 },
    );
    await fc.assert(fc.asyncProperty(STEPS, run), { numRuns: RUNS[kind] });
    // Otherwise it would have shown nothing.
    expect(answers.get('replayed')).toBeGreaterThan(RUNS[kind] / 4);
    expect(new Set(answers.keys()).difference(new Set(['replayed', 'UPSTREAM_CONNECTION_LOST']))).toEqual(new Set());
  },
);
