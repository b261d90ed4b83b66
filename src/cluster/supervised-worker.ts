import cluster from 'node:cluster';
import type { CloseOptions } from '../app/gateway.ts';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** A message from a worker to its supervisor. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** Sent at an interval while the event loop is not blocked; null before there are metrics. */
  | { readonly kind: 'heartbeat'; readonly snapshot: MetricsSnapshot | null }
  /** Startup failed; the problem is one line for the person who starts the gateway. */
  | { readonly kind: 'failed'; readonly problem: string }
  /** Requests the metrics of all workers. */
  | { readonly kind: 'metrics-wanted' };

/** A message from the supervisor to a worker. */
export type SupervisorMessage =
  | { readonly kind: 'close'; readonly options: CloseOptions }
  | { readonly kind: 'metrics'; readonly rendered: RenderedMetrics };

/** The rule by which a supervisor decides that a worker hangs. */
export interface HeartbeatRule {
  readonly intervalMs: number;
  /** The number of consecutive heartbeats that may be missed. */
  readonly maxMissed: number;
}

export const HEARTBEAT: HeartbeatRule = { intervalMs: 1_000, maxMissed: 10 };

/** The end of a worker process. */
export type WorkerEnd = Awaited<SupervisedWorker['ended']>;
export type SupervisedWorker = ReturnType<typeof startSupervisedWorker>;

// All workers accept from one shared socket. Round-robin through this process costs more, and Node drops connections that it
// was passing to a worker that dies. One socket per worker would lose the connections in its queue.
cluster.schedulingPolicy = cluster.SCHED_NONE;

/** Starts this program as a worker, with the same arguments and variables. `readMetrics` reads the metrics of all workers. */
export function startSupervisedWorker(
  heartbeat: HeartbeatRule,
  onSnapshot: (worker: number, snapshot: MetricsSnapshot) => void,
  readMetrics: () => Promise<RenderedMetrics>,
) {
  const worker = cluster.fork();
  const startedAtMs = performance.now();
  const started = Promise.withResolvers<boolean>();
  const exited = Promise.withResolvers<{ readonly code: number | null; readonly signal: string | null }>();
  const disconnected = Promise.withResolvers<void>();
  let hasServed = false;
  let isClosing = false;
  let problem: string | null = null;
  let missed = 0;
  let wasHung = false;
  /** Undefined until the first heartbeat: a slow start is not a hang. */
  let watch: NodeJS.Timeout | undefined;

  const kill = (): void => void worker.process.kill('SIGKILL');
  const send = (message: SupervisorMessage): void => {
    // A dying worker has no channel any more.
    if (worker.isConnected()) worker.send(message, ignore);
  };
  // Intervals of this process are counted, not time, so a pause of the whole machine counts as one interval.
  const countMissed = (): void => {
    missed += 1;
    wasHung ||= missed > heartbeat.maxMissed;
    if (wasHung) kill();
  };
  worker.on('message', (message: WorkerMessage) => {
    switch (message.kind) {
      case 'ready':
        hasServed = true;
        return started.resolve(true);
      case 'heartbeat':
        missed = 0;
        watch ??= setInterval(countMissed, heartbeat.intervalMs).unref();
        return message.snapshot ? onSnapshot(worker.id, message.snapshot) : undefined;
      case 'failed':
        ({ problem } = message);
        return;
      case 'metrics-wanted':
        // If this fails, the worker's own timeout reports it.
        return void readMetrics().then((rendered) => send({ kind: 'metrics', rendered }), ignore);
    }
  });
  worker.on('error', ignore);
  worker.once('exit', (code: number | null, signal: string | null) => exited.resolve({ code, signal }));
  // Its last messages may arrive after its exit.
  worker.once('disconnect', () => disconnected.resolve());
  const end = async () => {
    await disconnected.promise;
    const exit = await exited.promise;
    clearInterval(watch);
    started.resolve(false);
    return { ...exit, livedMs: performance.now() - startedAtMs, wasServing: hasServed, problem, wasHung };
  };
  return {
    id: worker.id,
    pid: worker.process.pid ?? 0,
    isServing: (): boolean => hasServed && !isClosing && worker.isConnected(),
    /** Resolves with true once it serves, or with false if it ends before. */
    started: started.promise,
    ended: end(),
    close(options: CloseOptions): void {
      isClosing = true;
      if (hasServed) send({ kind: 'close', options });
      // It has no requests yet.
      else kill();
    },
    kill,
  };
}

function ignore(): void {}
