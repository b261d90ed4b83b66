import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../app/config.ts';
import { createLog, openLogSink } from '../telemetry/log.ts';
import type { RenderedMetrics } from '../telemetry/metrics.ts';
import { createMetricsOfWorkers } from './metrics-of-workers.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import {
  HEARTBEAT,
  type HeartbeatRule,
  type SupervisedWorker,
  startSupervisedWorker,
  type WorkerEnd,
} from './supervised-worker.ts';

/** The process that starts the workers, restarts them and adds up their metrics. It serves nothing itself. */
export interface Supervisor {
  /** Resolves once all workers have ended on request; rejects if no worker can be kept running. */
  readonly ended: Promise<void>;
  /** Replaces the workers one after the other, without losing a request. */
  restart(): void;
  /** Lets every worker drain and finish. @throws Error if some had to cut requests off. */
  close(drainMs: number): Promise<void>;
  /** Kills every worker. */
  kill(): void;
}

const FIRST_RESTART_MS = 250;
const MAX_RESTART_MS = 30_000;
/** A worker that lived at least this long is not in a crash loop. */
const STEADY_MS = 10_000;
/** Consecutive failed starts, while no worker serves, after which the supervisor gives up. */
const MAX_FAILED_STARTS = 5;
/** The time a closing worker has on top of its drain and close timeouts before it counts as hung. */
const GRACE_MS = 15_000;

/** Starts the configured number of workers; resolves once one serves. @throws Error with one line if none can. */
export async function startSupervisor(config: Config, heartbeat: HeartbeatRule = HEARTBEAT): Promise<Supervisor> {
  const log = createLog(config.logLevel, await openLogSink({ isShared: true }));
  const metrics = createMetricsOfWorkers();
  const workers = new Set<SupervisedWorker>();
  const givenUp = Promise.withResolvers<never>();
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;
  const serving = (): number => [...workers].filter((worker) => worker.isServing()).length;
  const firstServing = Promise.withResolvers<void>();
  let hasServed = false;
  let failedStarts = 0;
  let restarting = Promise.resolve();

  const readMetrics = shareForASecond(async (): Promise<RenderedMetrics> => {
    metrics.setServing(serving());
    return metrics.render();
  });
  const launch = (): SupervisedWorker => {
    const worker = startSupervisedWorker(heartbeat, metrics.update, readMetrics);
    workers.add(worker);
    log.info({ worker: worker.id, pid: worker.pid }, 'worker started');
    void follow(worker);
    return worker;
  };
  const follow = async (worker: SupervisedWorker): Promise<void> => {
    if (await worker.started) {
      hasServed = true;
      failedStarts = 0;
      firstServing.resolve();
    } else failedStarts += 1;
    const { problem, code, signal, wasHung } = await worker.ended;
    workers.delete(worker);
    metrics.retire(worker.id);
    // giveUp reports it, once for all workers.
    if (!hasServed && problem !== null) return;
    const facts = { worker: worker.id, code, signal, ...(problem !== null && { problem }) };
    if (code === 0 || (isClosing() && !wasHung)) return log.info(facts, 'worker ended');
    metrics.countEnded(wasHung ? 'hung' : 'died');
    log.error(facts, wasHung ? 'worker was killed because it hung' : 'worker ended unexpectedly');
  };

  /** Keeps one worker running: restarts it when it ends, and replaces it on request. */
  const keepWorker = () => {
    let shortLives = 0;
    let worker = launch();
    const keep = async (): Promise<void> => {
      for (;;) {
        const watched = worker;
        const end = await watched.ended;
        if (isClosing()) return;
        if (worker !== watched) continue;
        if (serving() === 0 && (failedStarts >= MAX_FAILED_STARTS || (!hasServed && end.problem !== null)))
          return giveUp(end);
        shortLives = end.livedMs >= STEADY_MS ? 0 : shortLives + 1;
        await delay(restartDelayMs(shortLives), null, { signal: closing.signal }).catch(() => null);
        if (isClosing()) return;
        worker = launch();
      }
    };
    return {
      ended: keep(),
      async replace() {
        const old = worker;
        const next = launch();
        if (isClosing() || !(await next.started) || worker !== old) return next.close({ drainMs: 0, isReplaced: true });
        worker = next;
        old.close({ drainMs: config.drainMs, isReplaced: true });
        await old.ended;
      },
    };
  };

  // The first one starts alone: it migrates the database, and a problem of all workers is reported once.
  const slots = [keepWorker()];
  await Promise.race([firstServing.promise, givenUp.promise]);
  for (let count = 1; count < config.workers; count += 1) slots.push(keepWorker());
  const replaceAll = async (): Promise<void> => {
    for (const slot of slots) if (!isClosing()) await slot.replace();
  };
  const allEnded = Promise.all(slots.map(({ ended }) => ended)).then(() => undefined);
  return {
    ended: Promise.race([allEnded, givenUp.promise]),
    restart() {
      log.info({}, 'restarting the workers');
      restarting = restarting.then(replaceAll);
    },
    async close(drainMs) {
      closing.abort();
      const ends = [...workers].map((worker) => {
        worker.close({ drainMs });
        return worker.ended;
      });
      const timer = setTimeout(killAll, drainMs + config.closeTimeoutMs + GRACE_MS);
      const failed = (await Promise.all(ends)).filter(({ wasServing, code }) => wasServing && code !== 0);
      clearTimeout(timer);
      if (failed.length > 0) throw new Error(`${failed.length} workers had to cut off requests`);
    },
    kill: killAll,
  };

  function giveUp({ problem, code, signal }: WorkerEnd): void {
    closing.abort();
    killAll();
    const how = `every worker ends before it serves; the last one ended with ${signal ?? `exit status ${code}`}`;
    givenUp.reject(new Error(problem ?? how));
  }

  function killAll(): void {
    for (const worker of workers) worker.kill();
  }
}

/** Returns the delay before a restart after a number of short lives in a row. */
export function restartDelayMs(shortLives: number): number {
  return shortLives === 0 ? 0 : Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** (shortLives - 1));
}
