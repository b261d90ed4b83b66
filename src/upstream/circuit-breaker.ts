import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { CreatedAccountTask } from '../contract/account-task.ts';
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
  /** One create tries the service while the others are refused at once; the breaker itself would let them wait. */
  const tryService: TaskService['create'] = async (task, call) => {
    if (breaker.state === CircuitState.HalfOpen) throw refused();
    const result = await breaker
      .execute(() =>
        inner.create(task, call).catch((error: unknown) => {
          if (isAnswer(error)) return { answered: error };
          throw isCounted(error) ? error : new UndecidedTrial(error);
        }),
      )
      .catch((error: unknown) => {
        if (error instanceof UndecidedTrial) throw error.cause;
        throw error instanceof Error && 'isBrokenCircuitError' in error ? refused() : error;
      });
    if ('answered' in result) throw result.answered;
    return result;
  };
  // While it is closed the breaker is told of failures and of the first answer after one: passing every create through it
  // costs several promises each, and all that it does with an answer is to forget the failures before.
  let hasFailed = false;
  const tell = async (outcome: () => Promise<unknown>): Promise<void> => {
    if (breaker.state === CircuitState.Closed) await breaker.execute(outcome).catch(() => undefined);
  };
  const forgetFailures = async (): Promise<void> => {
    hasFailed = false;
    await tell(() => Promise.resolve());
  };
  const answered = (created: CreatedAccountTask): CreatedAccountTask | Promise<CreatedAccountTask> =>
    hasFailed ? forgetFailures().then(() => created) : created;
  const rememberFailure = async (failure: unknown): Promise<void> => {
    hasFailed = true;
    await tell(async () => {
      throw failure;
    });
  };
  const failed = async (failure: unknown): Promise<never> => {
    if (isCounted(failure)) await rememberFailure(failure);
    else if (isAnswer(failure)) await forgetFailures();
    throw failure;
  };
  return {
    ...inner,
    create(task, call) {
      if (breaker.state !== CircuitState.Closed) return tryService(task, call);
      return inner.create(task, call).then(answered, failed);
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
