/*
 * Faults on demand. In the demo, catalogue tasks named "Fault: …" make their creates and updates fail or take long, so that the
 * authors of front ends can see what they must handle.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type FailureEvidence, type FailureKind, type Outcome, TaskFailure } from '../contract/failure.ts';
import { OPERATIONS } from '../contract/operations.ts';
import type { TaskService } from '../contract/task-service.ts';
import type { CatalogueTask } from '../store/catalogue.ts';
import { idempotentTaskService } from '../store/idempotency/upstream-idempotency.ts';
import type { Database } from '../store/sql/database.ts';

export interface FaultOptions {
  /** The store's own database. */
  readonly database: Database;
  readonly keyExpiryMs: number;
  /** Waits for so many milliseconds. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

type Wording = Pick<(typeof OPERATIONS)['create' | 'update'], 'action' | 'subject' | 'unknownFate'>;

/** Makes a fault of a create or an update. `store` is the write that it stands in front of. */
type Fault = <Result extends object>(
  store: () => Promise<Result>,
  wait: (ms: number) => Promise<unknown>,
  wording: Wording,
) => Promise<Result>;

const TASK_ID_PREFIX = 'fa000000-0000-4000-8000-000000000';
const SLOW_MS = 8_000;
/** Longer than any fault takes. */
const LEASE_MS = 30_000;
const MAX_PENDING = 1_000;
const REASON = 'The start date is in the past.';

/** The faults by the last three digits of their TaskIDs. */
const FAULTS: Readonly<Record<string, readonly [name: string, fault: Fault, outcome?: Outcome]>> = {
  401: failing({ code: 'UNAUTHENTICATED', outcome: 'REJECTED' }, 'The service did not accept the credentials.'),
  403: failing(
    { code: 'FORBIDDEN', outcome: 'REJECTED' },
    ({ action }) => `The service does not allow this caller to ${action}.`,
  ),
  404: failing({ code: 'TASK_NOT_FOUND', outcome: 'REJECTED' }, 'The catalogue has no such task.'),
  409: failing({ code: 'CLIENT_REQUIRED', outcome: 'REJECTED' }, 'The account has no client; create one first.'),
  422: failing({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, REASON, { errorCode: 'E17', errorReason: REASON }),
  429: failing(
    { code: 'OVERLOADED', outcome: 'REJECTED' },
    ({ subject }) => `The service refused ${subject} because it is busy.`,
  ),
  503: failing({ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, 'The service cannot be reached.'),
  500: failing(
    { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' },
    ({ unknownFate }) => `The service failed (HTTP 500); ${unknownFate}.`,
  ),
  504: [
    'UPSTREAM_TIMEOUT, created',
    async (store, _wait, { unknownFate }) => {
      const result = await store();
      if ('replayed' in result && result.replayed) return result;
      throw new TaskFailure('UPSTREAM_TIMEOUT', `The service did not answer in time; ${unknownFate}.`);
    },
    'UNKNOWN',
  ],
  102: [
    'created after 8 seconds',
    async (store, wait) => {
      await wait(SLOW_MS);
      return store();
    },
  ],
  999: [
    'INTERNAL_SERVER_ERROR',
    () => {
      throw new Error('The fault …999 is a defect on purpose.');
    },
    'UNKNOWN',
  ],
};

/** The faults whose keys are kept as those of a service are: claimed before the create, settled after it. */
const AT_THE_SERVICE: ReadonlySet<string> = new Set(['500', '102']);

/** A catalogue task whose creates and updates are a fault. `outcome` is null if they succeed. */
export interface FaultTask extends CatalogueTask {
  readonly outcome: Outcome | null;
}

export const FAULT_TASKS: readonly FaultTask[] = Object.entries(FAULTS).map(([digits, [name, , outcome = null]]) => ({
  id: `${TASK_ID_PREFIX}${digits}`,
  name: `Fault: ${name}`,
  outcome,
}));

/** Decorates the store's task service with the faults. Writes of other tasks are left alone. */
export function faultyTaskService(
  inner: TaskService,
  { database, keyExpiryMs, wait = delay }: FaultOptions,
): TaskService {
  const carryOut = async <Result extends object>(
    taskId: string,
    store: () => Promise<Result>,
    wording: Wording,
  ): Promise<Result> => {
    const [, fault] = FAULTS[toDigits(taskId)] ?? [];
    return fault ? fault(store, wait, wording) : store();
  };
  const create: TaskService['create'] = (task, call) =>
    carryOut(task.TaskID, () => inner.create(task, call), OPERATIONS.create);
  const service = idempotentTaskService(
    // The key is claimed already; for the store it would be one in use.
    { ...inner, create: (task, call) => create(task, { ...call, idempotencyKey: null }), close: async () => undefined },
    {
      database,
      leaseMs: LEASE_MS,
      keyExpiryMs,
      keyWaitMs: 0,
      maxPending: MAX_PENDING,
      onUnwritten: () => undefined,
      onLateAnswer: () => undefined,
    },
  );
  return {
    ...inner,
    create: (task, call) => (AT_THE_SERVICE.has(toDigits(task.TaskID)) ? service : { create }).create(task, call),
    update: (update, call) => carryOut(update.task.TaskID, () => inner.update(update, call), OPERATIONS.update),
    async close() {
      await service.close();
      await inner.close();
    },
  };
}

function toDigits(taskId: string): string {
  return taskId.startsWith(TASK_ID_PREFIX) ? taskId.slice(TASK_ID_PREFIX.length) : '';
}

function failing(
  kind: FailureKind,
  message: string | ((wording: Wording) => string),
  evidence?: FailureEvidence,
): readonly [name: string, fault: Fault, outcome: Outcome] {
  return [
    kind.code,
    (_store, _wait, wording) => {
      throw new TaskFailure(kind, typeof message === 'string' ? message : message(wording), evidence);
    },
    kind.outcome,
  ];
}
