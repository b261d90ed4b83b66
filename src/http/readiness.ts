/**
 * Decides whether /ready answers 200 or 503. The backend supplies the checks (the `checks` of a TaskService); `drain` makes
 * the gateway not ready before it stops. app/gateway.ts sends the report.
 */
import { TaskFailure } from '../contract/failure.ts';
import type { ReadinessCheck, ReadinessChecks } from '../contract/task-service.ts';
import { withTimeLimit } from '../event-loop/time-limit.ts';
import type { Log } from '../telemetry/log.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';

export interface ReadinessOptions {
  readonly checks: ReadinessChecks;
  readonly log: Log;
  /** The time limit of a check. */
  readonly timeoutMs?: number;
}

export interface ReadinessReport {
  readonly isReady: boolean;
  /** The result of each check: a word if it passed, a sentence if it failed. Neither contains an address. */
  readonly checks: Readonly<Record<string, string>>;
}

/** Reports whether this gateway should receive requests. */
export interface Readiness {
  /** Runs all checks, each within the timeout and at most once a second. */
  report(): Promise<ReadinessReport>;
  /** Makes every later report not ready. */
  drain(): void;
}

interface CheckResult {
  readonly isOk: boolean;
  readonly text: string;
  /** The error of a check that failed, for the log. */
  readonly error?: unknown;
}

/** Shorter than the usual timeouts of probes. */
const TIMEOUT_MS = 2_000;
const LATE: CheckResult = { isOk: false, text: 'It did not answer in time.' };
const FAILED = 'The check failed; the log of the gateway has the reason.';

const DRAINING: ReadinessReport = {
  isReady: false,
  checks: { draining: 'This gateway is draining and about to stop.' },
};

export function createReadiness({ checks, log, timeoutMs = TIMEOUT_MS }: ReadinessOptions): Readiness {
  const parts = Object.entries(checks).map(([name, check]) => ({ name, run: shareForASecond(() => runCheck(check)) }));
  const failing = new Set<string>();
  let isDraining = false;
  /** Logs a check when its result changes, not with every probe. */
  const note = (name: string, { isOk, text, error }: CheckResult): void => {
    if (isOk ? !failing.delete(name) : failing.has(name)) return;
    if (isOk) return log.info({ check: name }, 'ready again');
    failing.add(name);
    log.warn({ check: name, problem: text, ...(error !== undefined && { err: error }) }, 'not ready');
  };
  return {
    async report() {
      // Answered at once, since the time to notice it is short.
      if (isDraining) return DRAINING;
      const results = await Promise.all(
        parts.map(async ({ name, run }) => {
          const result = await withTimeLimit(run(), timeoutMs, () => LATE);
          note(name, result);
          return [name, result] as const;
        }),
      );
      if (isDraining) return DRAINING;
      const texts = results.map(([name, { text }]) => [name, text] as const);
      return {
        isReady: results.every(([, { isOk }]) => isOk),
        checks: { ...Object.fromEntries(texts), draining: 'no' },
      };
    },
    drain() {
      isDraining = true;
    },
  };
}

async function runCheck(check: ReadinessCheck): Promise<CheckResult> {
  try {
    return { isOk: true, text: await check() };
  } catch (error) {
    // The message of a TaskFailure is for callers; other messages may contain addresses and files.
    return { isOk: false, text: error instanceof TaskFailure ? error.message : FAILED, error };
  }
}
