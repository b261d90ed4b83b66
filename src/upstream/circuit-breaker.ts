import type { CreatedAccountTask } from '../contract/account-task.ts';
import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface CircuitBreakerOptions {
  /** The number of creates in a row that must fail to connect, or time out, before the circuit opens. Any answer resets the count. */
  readonly failuresToOpen: number;
  /** The time that the circuit stays open before one create may probe the service; each failed probe doubles it. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly onStateChange: (state: BreakerState) => void;
  /** Called for every create that is refused because the circuit is not closed. */
  readonly onRefused?: () => void;
  /** Returns the milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** The failures that count: the service cannot be reached, or does not answer. */
const CONNECTION_FAILURES: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT']);

/** A decorator that stops sending creates to a service that is down, and probes with a single create whether it is back. */
export function circuitBreakerTaskService(inner: TaskService, options: CircuitBreakerOptions): TaskService {
  const { failuresToOpen, openMs, maxOpenMs, onStateChange, now } = options;
  let state: BreakerState = 'closed';
  let failures = 0;
  let openPeriodMs = openMs;
  let openUntilMs = 0;

  const change = (next: BreakerState): void => {
    state = next;
    onStateChange(next);
  };
  const open = (): void => {
    openUntilMs = now() + openPeriodMs;
    change('open');
  };
  const close = (): void => {
    failures = 0;
    openPeriodMs = openMs;
    change('closed');
  };

  const succeed = (created: CreatedAccountTask): CreatedAccountTask => {
    failures = 0;
    return created;
  };
  const fail = (error: unknown): never => {
    if (isConnectionFailure(error)) failures += 1;
    else if (isAnswer(error)) failures = 0;
    // Creates that were already in flight may still fail after the circuit has opened.
    if (failures >= failuresToOpen && state === 'closed') open();
    throw error;
  };
  const probe: TaskService['create'] = async (task, call) => {
    change('half-open');
    try {
      const created = await inner.create(task, call);
      close();
      return created;
    } catch (error) {
      if (isAnswer(error)) close();
      else {
        // A create that was refused before it was sent is no evidence about the service.
        if (isConnectionFailure(error)) openPeriodMs = Math.min(2 * openPeriodMs, maxOpenMs);
        open();
      }
      throw error;
    }
  };
  const isBlocking = (): boolean => state === 'open' && now() < openUntilMs;
  return {
    ...inner,
    create(task, call) {
      if (state === 'closed') return inner.create(task, call).then(succeed, fail);
      if (state === 'open' && !isBlocking()) return probe(task, call);
      options.onRefused?.();
      return Promise.reject(circuitOpen());
    },
    checks: {
      ...inner.checks,
      async circuit() {
        // Readiness must not wait for a create to probe: load balancers send creates only to gateways that are ready.
        if (isBlocking()) throw circuitOpen();
        return state === 'closed' ? 'closed' : 'half-open';
      },
    },
  };
}

function isConnectionFailure(error: unknown): boolean {
  return error instanceof TaskFailure && CONNECTION_FAILURES.has(error.code);
}

/** True if the service answered. A create that was refused before it was sent is no evidence about the service. */
function isAnswer(error: unknown): boolean {
  return error instanceof TaskFailure && error.outcome !== 'NOT_SENT' && !isConnectionFailure(error);
}

function circuitOpen(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The service has not been answering, so nothing is sent to it for the moment.',
  );
}
