import cluster from 'node:cluster';
import type { CloseOptions } from '../app/gateway.ts';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** A worker's message to its supervisor: a heartbeat, sent at an interval while its event loop is not blocked, or one with news. */
export interface WorkerReport {
  /** Null before there are metrics. */
  readonly snapshot: MetricsSnapshot | null;
  readonly isServing: boolean;
  /** Startup failed; the problem is one line for the person who starts the gateway. */
  readonly problem?: string;
  /** True if the supervisor has to answer with the metrics of all workers. */
  readonly wantsMetrics?: boolean;
}

/** A message from the supervisor to a worker: to close, or the metrics of all workers. */
export type SupervisorMessage = { readonly close: CloseOptions } | { readonly metrics: RenderedMetrics };

/** The interval of heartbeats, and how many in a row a worker may miss before it counts as hung. */
export const HEARTBEAT = { intervalMs: 1_000, maxMissed: 10 };

export type HeartbeatRule = typeof HEARTBEAT;
export type SupervisedWorker = ReturnType<typeof startSupervisedWorker>;

// All workers accept from one shared socket. Round-robin through this process costs more, and Node drops connections that it
// was passing to a worker that dies. One socket per worker would lose the connections in its queue.
cluster.schedulingPolicy = cluster.SCHED_NONE;

const ignore = (): void => undefined;

/** Starts this program as a worker, with the same arguments and variables. `readMetrics` reads the metrics of all workers. */
export function startSupervisedWorker(
  { intervalMs, maxMissed }: HeartbeatRule,
  onSnapshot: (worker: number, snapshot: MetricsSnapshot) => void,
  readMetrics: () => Promise<RenderedMetrics>,
) {
  const worker = cluster.fork();
  const startedAtMs = performance.now();
  const started = Promise.withResolvers<boolean>();
  const state = { wasServing: false, isClosing: false, wasHung: false, problem: null as string | null };
  let missed = 0;
  /** Undefined until the first heartbeat: a slow start is not a hang. */
  let watch: NodeJS.Timeout | undefined;

  const kill = (): void => void worker.process.kill('SIGKILL');
  // Without a callback, a worker that is dying would make this throw.
  const send = (message: SupervisorMessage): void => void worker.send(message, ignore);
  // Intervals of this process are counted, not time, so a pause of the whole machine counts as one interval.
  const countMissed = (): void => {
    missed += 1;
    state.wasHung ||= missed > maxMissed;
    if (state.wasHung) kill();
  };
  worker.on('message', ({ snapshot, isServing, problem, wantsMetrics }: WorkerReport) => {
    missed = 0;
    watch ??= setInterval(countMissed, intervalMs).unref();
    state.wasServing ||= isServing;
    state.problem = problem ?? state.problem;
    if (snapshot) onSnapshot(worker.id, snapshot);
    if (isServing) started.resolve(true);
    // If this fails, the worker's own timeout reports it.
    if (wantsMetrics) void readMetrics().then((metrics) => send({ metrics }), ignore);
  });
  worker.on('error', ignore);
  const until = (event: string) => new Promise<void>((resolve) => worker.once(event, () => resolve()));
  // Its last messages may arrive after its exit.
  const ended = Promise.all([until('exit'), until('disconnect')]).then(() => {
    clearInterval(watch);
    started.resolve(false);
    const { exitCode: code, signalCode: signal } = worker.process;
    return { code, signal, ...state, livedMs: performance.now() - startedAtMs };
  });
  return {
    id: worker.id,
    pid: worker.process.pid ?? 0,
    isServing: (): boolean => state.wasServing && !state.isClosing && worker.isConnected(),
    /** Resolves with true once it serves, or with false if it ends before. */
    started: started.promise,
    ended,
    close(options: CloseOptions): void {
      state.isClosing = true;
      // One that does not serve yet has no requests.
      if (state.wasServing) send({ close: options });
      else kill();
    },
    kill,
  };
}
