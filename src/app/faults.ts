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

/** A fault of a create or an update. */
interface Fault {
  /** The event, for the catalogue. */
  readonly name: string;
  /** Null if the write succeeds. */
  readonly outcome: Outcome | null;
  readonly delayMs?: number;
  /** True if the write is carried out before it fails. */
  readonly isStored?: boolean;
  /** Absent if the write succeeds. */
  readonly toError?: (wording: Wording) => Error;
}

const TASK_ID_PREFIX = 'fa000000-0000-4000-8000-000000000';
/** Longer than any fault takes. */
const LEASE_MS = 30_000;
const MAX_PENDING = 1_000;
const REASON = 'The start date is in the past.';

/** The faults by the last three digits of their TaskIDs. */
const FAULTS: Readonly<Record<string, Fault>> = {
  401: failure('UNAUTHENTICATED', 'REJECTED', () => 'The service did not accept the credentials.'),
  403: failure('FORBIDDEN', 'REJECTED', ({ action }) => `The service does not allow this caller to ${action}.`),
  404: failure('TASK_NOT_FOUND', 'REJECTED', () => 'The catalogue has no such task.'),
  409: failure('CLIENT_REQUIRED', 'REJECTED', () => 'The account has no client; create one first.'),
  422: failure('TASK_REJECTED', 'REJECTED', () => REASON, { errorCode: 'E17', errorReason: REASON }),
  429: failure('OVERLOADED', 'REJECTED', ({ subject }) => `The service refused ${subject} because it is busy.`),
  503: failure('UPSTREAM_UNREACHABLE', 'NOT_SENT', () => 'The service cannot be reached.'),
  500: failure('UPSTREAM_FAILED', 'UNKNOWN', ({ unknownFate }) => `The service failed (HTTP 500); ${unknownFate}.`),
  504: {
    ...failure(
      'UPSTREAM_TIMEOUT',
      'UNKNOWN',
      ({ unknownFate }) => `The service did not answer in time; ${unknownFate}.`,
    ),
    name: 'UPSTREAM_TIMEOUT, created',
    isStored: true,
  },
  102: { name: 'created after 8 seconds', outcome: null, delayMs: 8_000 },
  999: {
    name: 'INTERNAL_SERVER_ERROR',
    outcome: 'UNKNOWN',
    toError: () => new Error('The fault …999 is a defect on purpose.'),
  },
};

/** The faults whose keys are kept as those of a service are: claimed before the create, settled after it. */
const AT_THE_SERVICE: ReadonlySet<string> = new Set(['500', '102']);

/** A catalogue task whose creates and updates are a fault. */
export type FaultTask = CatalogueTask & Pick<Fault, 'outcome'>;

export const FAULT_TASKS: readonly FaultTask[] = Object.entries(FAULTS).map(([digits, { name, outcome }]) => ({
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
    const { delayMs, isStored, toError } = FAULTS[toDigits(taskId)] ?? {};
    if (delayMs) await wait(delayMs);
    if (!toError) return store();
    const result = isStored ? await store() : {};
    if ('replayed' in result && result.replayed) return result as Result;
    throw toError(wording);
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

function failure(
  code: FailureKind['code'],
  outcome: Outcome,
  toMessage: (wording: Wording) => string,
  evidence?: FailureEvidence,
): Fault {
  const kind = { code, outcome } as FailureKind;
  return { name: code, outcome, toError: (wording) => new TaskFailure(kind, toMessage(wording), evidence) };
}
