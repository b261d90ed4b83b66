import { TaskFailure } from '../contract/failure.ts';
import type { ReadinessCheck, ReadinessChecks } from '../contract/task-service.ts';
import { setTimeLimit } from '../event-loop/time-limit.ts';
import type { Log } from '../telemetry/log.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';

export interface ReadinessOptions {
  readonly checks: ReadinessChecks;
  readonly log: Log;
  /** A check that takes longer is not well. */
  readonly timeoutMs?: number;
}

export interface ReadinessReport {
  readonly isReady: boolean;
  /** A word for each part that is well, a sentence for each that is not; neither names an address. */
  readonly checks: Readonly<Record<string, string>>;
}

/** Whether requests should be sent to this gateway. */
export interface Readiness {
  /** Looks at every part, once a second at the most and no longer than the time-out. */
  report(): Promise<ReadinessReport>;
  /** From now on it is not ready, whatever the parts say. */
  drain(): void;
}

interface Finding {
  readonly isWell: boolean;
  readonly text: string;
}

/** Shorter than the patience of those who ask, as far as they have any. */
const TIMEOUT_MS = 2_000;
const LATE: Finding = { isWell: false, text: 'It does not answer in time.' };
const FAULTY: Finding = { isWell: false, text: 'It does not work as it should.' };

const DRAINING: ReadinessReport = { isReady: false, checks: { draining: 'This gateway is about to stop.' } };

export function createReadiness({ checks, log, timeoutMs = TIMEOUT_MS }: ReadinessOptions): Readiness {
  const parts = Object.entries(checks).map(([name, check]) => ({ name, look: shareForASecond(() => lookAt(check)) }));
  const unwell = new Set<string>();
  let isDraining = false;
  /** The log hears of a part when it changes, not with every probe. */
  const note = (name: string, { isWell, text }: Finding, error: unknown): void => {
    if (isWell ? !unwell.delete(name) : unwell.has(name)) return;
    if (isWell) return log.info({ check: name }, 'ready again');
    unwell.add(name);
    log.warn({ check: name, problem: text, ...(error !== undefined && { err: error }) }, 'not ready');
  };
  return {
    async report() {
      // At once: who asks has only a while to take notice.
      if (isDraining) return DRAINING;
      const findings = await Promise.all(
        parts.map(async ({ name, look }) => {
          const { finding, error } = await within(timeoutMs, look());
          note(name, finding, error);
          return [name, finding] as const;
        }),
      );
      if (isDraining) return DRAINING;
      const texts = findings.map(([name, { text }]) => [name, text] as const);
      return {
        isReady: findings.every(([, { isWell }]) => isWell),
        checks: { ...Object.fromEntries(texts), draining: 'no' },
      };
    },
    drain() {
      isDraining = true;
    },
  };
}

interface Look {
  readonly finding: Finding;
  readonly error?: unknown;
}

async function lookAt(check: ReadinessCheck): Promise<Look> {
  try {
    return { finding: { isWell: true, text: await check() } };
  } catch (error) {
    // A TaskFailure is written for callers; anything else may name addresses and files.
    return { finding: error instanceof TaskFailure ? { isWell: false, text: error.message } : FAULTY, error };
  }
}

function within(timeoutMs: number, look: Promise<Look>): Promise<Look> {
  return new Promise((resolve, reject) => {
    const timer = setTimeLimit(resolve, timeoutMs, { finding: LATE });
    look.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
