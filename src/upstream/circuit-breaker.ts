import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface CircuitBreakerOptions {
  /** How many creates must fail to connect, or time out, without an answer between them, for the circuit to open. */
  readonly failuresToOpen: number;
  /** How long the circuit stays open before one create may try the service. */
  readonly openMs: number;
  readonly onStateChange: (state: BreakerState) => void;
  /** Told of every create that is refused because the circuit is not closed. */
  readonly onRefused?: () => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The service is not there or not answering. */
const COUNTED: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT']);

/** A task service that stops sending to a service that is not there, and asks with one create whether it is back. */
export function breakingTaskService(inner: TaskService, options: CircuitBreakerOptions): TaskService {
  const { failuresToOpen, openMs, onStateChange, now = Date.now } = options;
  const breaker = circuitBreaker(handleWhen(isCounted), {
    halfOpenAfter: openMs,
    breaker: new ConsecutiveBreaker(failuresToOpen),
  });
  const refused = (): TaskFailure => {
    options.onRefused?.();
    return circuitOpen();
  };
  let openedAtMs = -Infinity;
  breaker.onStateChange((state) => {
    if (state === CircuitState.Open) openedAtMs = now();
    onStateChange(toBreakerState(state));
  });
  return {
    ...inner,
    async create(task, call) {
      // While one create tries the service the others are refused at once; the breaker itself would let them wait.
      if (breaker.state === CircuitState.HalfOpen) throw refused();
      const result = await breaker
        .execute(() => {
          const isTrial = breaker.state === CircuitState.HalfOpen;
          return inner.create(task, call).catch((error: unknown) => {
            if (isAnswer(error)) return { answered: error };
            throw isTrial && !isCounted(error) ? new UndecidedTrial(error) : error;
          });
        })
        .catch((error: unknown) => {
          if (error instanceof UndecidedTrial) throw error.cause;
          throw error instanceof Error && 'isBrokenCircuitError' in error ? refused() : error;
        });
      if ('answered' in result) throw result.answered;
      return result;
    },
    checks: {
      ...inner.checks,
      async circuit() {
        if (breaker.state === CircuitState.Closed) return 'closed';
        // The breaker stays open until a create comes; who sends creates only to a ready gateway waits for this instead.
        if (breaker.state === CircuitState.Open && now() - openedAtMs < openMs) throw circuitOpen();
        return 'half-open';
      },
    },
  };
}

/** A trial that says nothing of the service. It counts, for the breaker takes an error that does not for a success. */
class UndecidedTrial extends Error {
  constructor(cause: unknown) {
    super('The create was refused before it reached the service.', { cause });
  }
}

function isCounted(error: unknown): boolean {
  return error instanceof UndecidedTrial || (error instanceof TaskFailure && COUNTED.has(error.code));
}

/** Whether the service is there, since it said this; what was refused before it was sent says nothing of it. */
function isAnswer(error: unknown): boolean {
  return error instanceof TaskFailure && error.outcome !== 'NOT_SENT' && !isCounted(error);
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
