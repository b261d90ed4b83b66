import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { CreatedAccountTask } from '../contract/account-task.ts';
import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface CircuitBreakerOptions {
  /** How many creates in a row must fail to connect, or time out, for the circuit to open. */
  readonly failuresToOpen: number;
  /** How long the circuit stays open before one create may try the service. */
  readonly openMs: number;
  readonly onStateChange: (state: BreakerState) => void;
}

/** The service is not there or not answering; anything else it says shows that it is. */
const COUNTED: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT']);

/** A task service that stops sending to a service that is not there, and asks with one create whether it is back. */
export function breakingTaskService(inner: TaskService, options: CircuitBreakerOptions): TaskService {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: options.openMs,
    breaker: new ConsecutiveBreaker(options.failuresToOpen),
  });
  breaker.onStateChange((state) => options.onStateChange(toBreakerState(state)));
  return {
    ...inner,
    async create(task, call) {
      // While one create tries the service the others are refused at once; the breaker itself would let them wait.
      if (breaker.state === CircuitState.HalfOpen) throw circuitOpen();
      const result = await breaker
        .execute(() => inner.create(task, call).catch(passUncounted))
        .catch((error: unknown) => {
          throw error instanceof Error && 'isBrokenCircuitError' in error ? circuitOpen() : error;
        });
      if ('uncounted' in result) throw result.uncounted;
      return result;
    },
    async ready() {
      if (breaker.state === CircuitState.Open) throw circuitOpen();
      await inner.ready();
    },
  };
}

/** A failure that is a success to the breaker. */
interface UncountedFailure {
  readonly uncounted: unknown;
}

function passUncounted(error: unknown): CreatedAccountTask | UncountedFailure {
  if (error instanceof TaskFailure && COUNTED.has(error.code)) throw error;
  return { uncounted: error };
}

function circuitOpen(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The service has not been answering, so nothing is sent to it for the moment.',
  );
}

function toBreakerState(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half-open' : 'open';
}
