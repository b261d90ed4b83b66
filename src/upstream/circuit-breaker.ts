import type { CreatedAccountTask } from '../contract/account-task.ts';
import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface CircuitBreakerOptions {
  /** How many creates must fail to connect, or time out, without an answer between them, for the circuit to open. */
  readonly failuresToOpen: number;
  /** How long the circuit stays open before one create may try the service; each try that fails doubles it. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly onStateChange: (state: BreakerState) => void;
  /** Called for every create that is refused because the circuit is not closed. */
  readonly onRefused?: () => void;
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number;
}

/** The failures of a service that is not there or not answering. */
const CONNECTION_FAILURES: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT']);

/** A task service that stops sending to a service that is not there, and tries with one create whether it is back. */
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
    // Many fail after the one that opens the circuit.
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
        // A create that was refused before it was sent says nothing of the service.
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
        // A balancer sends creates only to a gateway that is ready, so readiness must not wait for one.
        if (isBlocking()) throw circuitOpen();
        return state === 'closed' ? 'closed' : 'half-open';
      },
    },
  };
}

function isConnectionFailure(error: unknown): boolean {
  return error instanceof TaskFailure && CONNECTION_FAILURES.has(error.code);
}

/** True if the service is there, since it said this; a create that was refused before it was sent says nothing of it. */
function isAnswer(error: unknown): boolean {
  return error instanceof TaskFailure && error.outcome !== 'NOT_SENT' && !isConnectionFailure(error);
}

function circuitOpen(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The service has not been answering, so nothing is sent to it for the moment.',
  );
}
