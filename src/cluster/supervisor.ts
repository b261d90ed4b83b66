import { setTimeout as delay } from 'node:timers/promises';
import { AggregatorRegistry, Gauge, Registry } from 'prom-client';
import type { Config } from '../app/config.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { createLog, openLogSink } from '../telemetry/log.ts';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';
import { createFamilies } from '../telemetry/series.ts';
import { HEARTBEAT, type HeartbeatRule, type SupervisedWorker, startSupervisedWorker } from './supervised-worker.ts';

const FIRST_RESTART_MS = 250;
const MAX_RESTART_MS = 30_000;
/** A worker that lived at least this long is not in a crash loop. */
const STEADY_MS = 10_000;
/** Consecutive failed starts, while no worker serves, after which the supervisor gives up. */
const MAX_FAILED_STARTS = 5;
/** The time a closing worker has on top of its drain and close timeouts before it counts as hung. */
const GRACE_MS = 15_000;

/**
 * Starts the configured number of workers, restarts them and adds up their metrics; this process serves nothing itself. Resolves
 * once one worker serves. @throws Error with one line if none can.
 */
export async function startSupervisor(config: Config, heartbeat: HeartbeatRule = HEARTBEAT) {
  const log = createLog(config.logLevel, await openLogSink({ isShared: true }));
  const metrics = createMetricsOfWorkers();
  const workers = new Set<SupervisedWorker>();
  const firstServing = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;
  const serving = (): number => [...workers].filter((worker) => worker.isServing()).length;
  let hasServed = false;
  let failedStarts = 0;
  let restarting = Promise.resolve();

  const readMetrics = shareForASecond((): Promise<RenderedMetrics> => metrics.render(serving()));
  const launch = (): SupervisedWorker => {
    const worker = startSupervisedWorker(heartbeat, metrics.update, readMetrics);
    workers.add(worker);
    log.info({ worker: worker.id, pid: worker.pid }, 'worker started');
    void worker.started.then((isServing) => isServing && firstServing.resolve());
    void reportEnd(worker);
    return worker;
  };
  const reportEnd = async (worker: SupervisedWorker): Promise<void> => {
    const { problem, code, signal, wasHung, wasServing } = await worker.ended;
    workers.delete(worker);
    metrics.retire(worker.id);
    failedStarts = wasServing ? 0 : failedStarts + 1;
    // The start is given up then, and its failure reported once for all workers.
    if (!hasServed && problem !== null) return;
    const facts = { worker: worker.id, code, signal, ...(problem !== null && { problem }) };
    if (code === 0 || (isClosing() && !wasHung)) return log.info(facts, 'worker ended');
    metrics.countEnded(wasHung ? 'hung' : 'died');
    log.error(facts, wasHung ? 'worker was killed because it hung' : 'worker ended unexpectedly');
  };
  /** Starts a worker again whenever it ends, until one of them is closed. */
  const keepRunning = async (first: SupervisedWorker): Promise<void> => {
    let shortLives = 0;
    for (let worker = first; ; worker = launch()) {
      const { livedMs, problem, code, signal, ...end } = await worker.ended;
      if (end.isClosing) return;
      if (serving() === 0 && (failedStarts >= MAX_FAILED_STARTS || (!hasServed && problem !== null))) {
        const how = `every worker ends before it serves; the last one ended with ${signal ?? `exit status ${code}`}`;
        closing.abort();
        killAll();
        return ended.reject(new Error(problem ?? how));
      }
      shortLives = livedMs >= STEADY_MS ? 0 : shortLives + 1;
      await delay(restartDelayMs(shortLives), null, { signal: closing.signal }).catch(() => null);
      if (isClosing()) return;
    }
  };
  const replaceAll = async (): Promise<void> => {
    // New ones are added meanwhile.
    const replaced = [...workers];
    for (const old of replaced) {
      if (isClosing()) return;
      const next = launch();
      const isServing = await next.started;
      // One that has ended is being started again.
      if (isClosing() || !isServing || !workers.has(old)) next.close({ drainMs: 0, isReplaced: true });
      else {
        void keepRunning(next);
        old.close({ drainMs: config.drainMs, isReplaced: true });
        await old.ended;
      }
    }
  };
  const killAll = (): void => {
    for (const worker of workers) worker.kill();
  };

  // The first one starts alone: it migrates the database, and a problem of all workers is reported once.
  void keepRunning(launch());
  await Promise.race([firstServing.promise, ended.promise]);
  hasServed = true;
  for (let count = 1; count < config.workers; count += 1) void keepRunning(launch());
  return {
    /** Resolves once all workers have ended on request; rejects if no worker can be kept running. */
    ended: ended.promise,
    /** Replaces the workers one after the other, without losing a request. */
    restart(): void {
      log.info({}, 'restarting the workers');
      restarting = restarting.then(replaceAll);
    },
    /** Lets every worker drain and finish. @throws Error if some had to cut requests off. */
    async close(drainMs: number): Promise<void> {
      closing.abort();
      for (const worker of workers) worker.close({ drainMs });
      const timer = setTimeout(killAll, drainMs + config.closeTimeoutMs + GRACE_MS);
      const ends = await Promise.all([...workers].map((worker) => worker.ended));
      clearTimeout(timer);
      ended.resolve();
      const failed = ends.filter(({ wasServing, code }) => wasServing && code !== 0).length;
      if (failed > 0) throw new Error(`${failed} workers had to cut off requests`);
    },
    kill: killAll,
  };
}

/** Returns the delay before a restart after a number of short lives in a row. */
export function restartDelayMs(shortLives: number): number {
  return shortLives === 0 ? 0 : Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** (shortLives - 1));
}

/** The metric types that can be added up over processes of different times. */
const KEPT_TYPES: ReadonlySet<unknown> = new Set(['counter', 'histogram']);

/** Adds up the metrics of several processes. Counters never go back: the counts of processes that have ended stay in the sum. */
export function createMetricsOfWorkers() {
  const latest = new Map<number, MetricsSnapshot>();
  let ofEnded: Promise<MetricsSnapshot> = Promise.resolve([]);
  const registry = new Registry();
  const families = createFamilies(registry);
  const help = 'Worker processes that are serving.';
  const serving = new Gauge({ name: 'gateway_workers', help, registers: [registry] });
  return {
    /** Replaces this worker's previous snapshot. */
    update: (worker: number, snapshot: MetricsSnapshot): void => void latest.set(worker, snapshot),
    /** Keeps the counts of a worker that has ended. */
    retire(worker: number): void {
      const kept = latest.get(worker)?.filter(({ type }) => KEPT_TYPES.has(type));
      latest.delete(worker);
      if (kept) ofEnded = ofEnded.then((sum) => AggregatorRegistry.aggregate([sum, kept]).getMetricsAsJSON());
    },
    countEnded: families.addCounter(
      'gateway_workers_ended_total',
      'Worker processes that ended unexpectedly, by cause: they died, or hung and were killed.',
      'cause',
      ['died', 'hung'],
    ),
    async render(workers: number): Promise<RenderedMetrics> {
      serving.set(workers);
      const sum = AggregatorRegistry.aggregate([...latest.values(), await ofEnded, await families.snapshot()]);
      return { contentType: sum.contentType, text: await sum.metrics() };
    },
  };
}
