import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../app/config.ts';
import { HEARTBEAT, type HeartbeatWatch } from './worker-messages.ts';
import { createLog, openLogSink } from '../telemetry/log.ts';
import type { RenderedMetrics } from '../telemetry/metrics.ts';
import { createMetricsOfWorkers } from './metrics-of-workers.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { type SupervisedWorker, startSupervisedWorker, type WorkerEnd } from './supervised-worker.ts';

/** The process that starts the workers, and does nothing but see to them. */
export interface Supervisor {
  /** Resolves when all workers have ended because they were to; rejects when none can be kept running. */
  readonly ended: Promise<void>;
  /** Puts a new worker in the place of each, one after the other; no request notices. */
  restart(): void;
  /** Lets every worker drain and finish. @throws Error when some had to cut requests off. */
  close(drainMs: number): Promise<void>;
  /** Ends every worker at once. */
  kill(): void;
}

const DELAYS = { firstMs: 250, maxMs: 30_000, steadyMs: 10_000 } as const;
/** In a row, and while no worker serves. */
const MAX_FAILED_STARTS = 5;
const SNAPSHOT_TIMEOUT_MS = 1_000;
/** A worker that has not ended this long after everything it may wait for hangs. */
const GRACE_MS = 15_000;

/** Starts as many workers as the configuration says; resolves when one serves. @throws Error with one line when none can. */
export async function startSupervisor(config: Config, heartbeat: HeartbeatWatch = HEARTBEAT): Promise<Supervisor> {
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
    await Promise.all([...workers].map((worker) => worker.lookAtMetrics(SNAPSHOT_TIMEOUT_MS)));
    metrics.setServing(serving());
    return metrics.render();
  });
  const launch = (): SupervisedWorker => {
    const worker = startSupervisedWorker(heartbeat, (id) => ({
      onSnapshot: (snapshot) => metrics.update(id, snapshot),
      readMetrics,
    }));
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
    // It is told once, as what is wrong with the start.
    if (!hasServed && problem !== null) return;
    const facts = { worker: worker.id, code, signal, ...(problem !== null && { problem }) };
    if (code === 0 || (isClosing() && !wasHung)) return log.info(facts, 'worker ended');
    metrics.countEnded(wasHung ? 'hung' : 'died');
    log.error(facts, wasHung ? 'worker was killed because it hung' : 'worker ended unexpectedly');
  };

  /** Sees to it that there always is a worker in one place. */
  const keepPlace = () => {
    const delays = createRestartDelays(DELAYS);
    let worker = launch();
    const keep = async (): Promise<void> => {
      for (;;) {
        const watched = worker;
        const end = await watched.ended;
        if (isClosing()) return;
        if (worker !== watched) continue;
        if (serving() === 0 && (failedStarts >= MAX_FAILED_STARTS || (!hasServed && end.problem !== null)))
          return giveUp(end);
        await delay(delays.next(end.livedMs), null, { signal: closing.signal }).catch(() => null);
        if (isClosing()) return;
        worker = launch();
      }
    };
    return {
      kept: keep(),
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

  // One alone at first: what is wrong with all of them is said once, and the others find the database migrated.
  const places = [keepPlace()];
  await Promise.race([firstServing.promise, givenUp.promise]);
  for (let count = 1; count < config.workers; count += 1) places.push(keepPlace());
  const replaceAll = async (): Promise<void> => {
    for (const place of places) if (!isClosing()) await place.replace();
  };
  const allEnded = Promise.all(places.map(({ kept }) => kept)).then(() => undefined);
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
      const patience = setTimeout(killAll, drainMs + config.closeTimeoutMs + GRACE_MS);
      const failed = (await Promise.all(ends)).filter(({ wasServing, code }) => wasServing && code !== 0);
      clearTimeout(patience);
      if (failed.length > 0) throw new Error(`${failed.length} workers had to cut off what was under way`);
    },
    kill: killAll,
  };

  function giveUp(end: WorkerEnd): void {
    closing.abort();
    killAll();
    givenUp.reject(new Error(toProblem(end)));
  }

  function killAll(): void {
    for (const worker of workers) worker.kill();
  }
}

function toProblem({ problem, code, signal }: WorkerEnd): string {
  return problem ?? `no worker can be kept running; the last one ended with ${signal ?? `exit status ${code}`}`;
}

export interface RestartDelaysOptions {
  /** After the first life that was too short; it doubles with each that follows. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** A life of this length is no part of a crash loop. */
  readonly steadyMs: number;
}

/** How long to wait before a process that has ended is started again, so that one that crashes at once does not spin. */
export interface RestartDelays {
  next(livedMs: number): number;
}

export function createRestartDelays({ firstMs, maxMs, steadyMs }: RestartDelaysOptions): RestartDelays {
  let shortLives = 0;
  return {
    next(livedMs) {
      if (livedMs >= steadyMs) {
        shortLives = 0;
        return 0;
      }
      shortLives += 1;
      return Math.min(maxMs, firstMs * 2 ** (shortLives - 1));
    },
  };
}
