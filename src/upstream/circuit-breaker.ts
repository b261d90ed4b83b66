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
const COUNTED: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT']);

/** A task service that stops sending to a service that is not there, and tries with one create whether it is back. */
export function breakingTaskService(inner: TaskService, options: CircuitBreakerOptions): TaskService {
  const { failuresToOpen, openMs, maxOpenMs, onStateChange, now } = options;
  let state: BreakerState = 'closed';
  let failures = 0;
  let pauseMs = openMs;
  let openUntilMs = 0;

  const change = (next: BreakerState): void => {
    state = next;
    onStateChange(next);
  };
  const open = (): void => {
    openUntilMs = now() + pauseMs;
    change('open');
  };
  const close = (): void => {
    failures = 0;
    pauseMs = openMs;
    change('closed');
  };

  const answered = (created: CreatedAccountTask): CreatedAccountTask => {
    failures = 0;
    return created;
  };
  const failed = (error: unknown): never => {
    if (isCounted(error)) failures += 1;
    else if (isAnswer(error)) failures = 0;
    // Many fail after the one that opens the circuit.
    if (failures >= failuresToOpen && state === 'closed') open();
    throw error;
  };
  const tryService: TaskService['create'] = async (task, call) => {
    change('half-open');
    try {
      const created = await inner.create(task, call);
      close();
      return created;
    } catch (error) {
      if (isAnswer(error)) close();
      else {
        // A create that was refused before it was sent says nothing of the service.
        if (isCounted(error)) pauseMs = Math.min(2 * pauseMs, maxOpenMs);
        open();
      }
      throw error;
    }
  };
  const isPausing = (): boolean => state === 'open' && now() < openUntilMs;
  return {
    ...inner,
    create(task, call) {
      if (state === 'closed') return inner.create(task, call).then(answered, failed);
      if (state === 'open' && !isPausing()) return tryService(task, call);
      options.onRefused?.();
      return Promise.reject(circuitOpen());
    },
    checks: {
      ...inner.checks,
      async circuit() {
        // A balancer sends creates only to a gateway that is ready, so readiness must not wait for one.
        if (isPausing()) throw circuitOpen();
        return state === 'closed' ? 'closed' : 'half-open';
      },
    },
  };
}

function isCounted(error: unknown): boolean {
  return error instanceof TaskFailure && COUNTED.has(error.code);
}

/** True if the service is there, since it said this; a create that was refused before it was sent says nothing of it. */
function isAnswer(error: unknown): boolean {
  return error instanceof TaskFailure && error.outcome !== 'NOT_SENT' && !isCounted(error);
}

function circuitOpen(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The service has not been answering, so nothing is sent to it for the moment.',
  );
}
