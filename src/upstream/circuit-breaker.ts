import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import { decorateWrites, type TaskService } from '../contract/task-service.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface CircuitBreakerOptions {
  /** The number of writes in a row that must fail to connect, or time out, before the circuit opens. Any answer resets the count. */
  readonly failuresToOpen: number;
  /** The time that the circuit stays open before one write may probe the service; each failed probe doubles it. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly onStateChange: (state: BreakerState) => void;
  /** Called for every write that is refused because the circuit is not closed. */
  readonly onRefused?: () => void;
  /** Returns the milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** The failures that count: the service cannot be reached, or does not answer. */
const CONNECTION_FAILURES: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT']);

/** A decorator that stops sending writes to a service that is down, and probes with a single write whether it is back. */
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

  const succeed = <Result>(result: Result): Result => {
    failures = 0;
    return result;
  };
  const fail = (error: unknown): never => {
    if (isConnectionFailure(error)) failures += 1;
    else if (isAnswer(error)) failures = 0;
    // Writes that were already in flight may still fail after the circuit has opened.
    if (failures >= failuresToOpen && state === 'closed') open();
    throw error;
  };
  const probe = async <Result>(send: () => Promise<Result>): Promise<Result> => {
    change('half-open');
    try {
      const result = await send();
      close();
      return result;
    } catch (error) {
      if (isAnswer(error)) close();
      else {
        // A write that was refused before it was sent is no evidence about the service.
        if (isConnectionFailure(error)) openPeriodMs = Math.min(2 * openPeriodMs, maxOpenMs);
        open();
      }
      throw error;
    }
  };
  const isBlocking = (): boolean => state === 'open' && now() < openUntilMs;
  return {
    ...inner,
    ...decorateWrites(inner, (write) => (input, call) => {
      if (state === 'closed') return write(input, call).then(succeed, fail);
      if (state === 'open' && !isBlocking()) return probe(() => write(input, call));
      options.onRefused?.();
      return Promise.reject(circuitOpen());
    }),
    checks: {
      ...inner.checks,
      async circuit() {
        // Readiness must not wait for a write to probe: load balancers send requests only to gateways that are ready.
        if (isBlocking()) throw circuitOpen();
        return state === 'closed' ? 'closed' : 'half-open';
      },
    },
  };
}

function isConnectionFailure(error: unknown): boolean {
  return error instanceof TaskFailure && CONNECTION_FAILURES.has(error.code);
}

/** True if the service answered. A write that was refused before it was sent is no evidence about the service. */
function isAnswer(error: unknown): boolean {
  return error instanceof TaskFailure && error.outcome !== 'NOT_SENT' && !isConnectionFailure(error);
}

function circuitOpen(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The service has not been answering, so nothing is sent to it for the moment.',
  );
}
