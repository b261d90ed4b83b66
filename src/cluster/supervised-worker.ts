import cluster from 'node:cluster';
import type { CloseOptions } from '../app/gateway.ts';
import {
  type Heartbeats,
  type HeartbeatRule,
  watchHeartbeats,
  type SupervisorMessage,
  type WorkerMessage,
} from './worker-messages.ts';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** The end of a worker process. */
export interface WorkerEnd {
  readonly livedMs: number;
  readonly wasServing: boolean;
  /** The reason that the worker gave for a failed start; null if it gave none. */
  readonly problem: string | null;
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** True if it was killed because its heartbeats stopped. */
  readonly wasHung: boolean;
}

/** A worker process, as its supervisor sees it. */
export interface SupervisedWorker {
  readonly id: number;
  readonly pid: number;
  isServing(): boolean;
  /** Resolves with true once it serves, or with false if it ends before. */
  readonly started: Promise<boolean>;
  readonly ended: Promise<WorkerEnd>;
  close(options: CloseOptions): void;
  kill(): void;
  /** Requests a snapshot of its metrics. Resolves once that has arrived, or after the timeout if the worker is busy or has ended. */
  requestSnapshot(timeoutMs: number): Promise<void>;
}

export interface WorkerListeners {
  readonly onSnapshot: (snapshot: MetricsSnapshot) => void;
  /** Reads the metrics of all workers. */
  readonly readMetrics: () => Promise<RenderedMetrics>;
}

// All workers accept from one shared socket. Round-robin through this process costs more, and Node drops connections that it
// was passing to a worker that dies. One socket per worker would lose the connections in its queue.
cluster.schedulingPolicy = cluster.SCHED_NONE;

/** Starts this program as a worker, with the same arguments and variables. */
export function startSupervisedWorker(
  heartbeat: HeartbeatRule,
  listenersOf: (id: number) => WorkerListeners,
): SupervisedWorker {
  const worker = cluster.fork();
  const { onSnapshot, readMetrics } = listenersOf(worker.id);
  const startedAtMs = performance.now();
  const started = Promise.withResolvers<boolean>();
  const waiting = new Set<() => void>();
  let hasServed = false;
  let isClosing = false;
  let problem: string | null = null;
  /** Null until the first heartbeat: a slow start is not a hang. */
  let heartbeats: Heartbeats | null = null;
  let wasHung = false;

  const killHung = (): void => {
    wasHung = true;
    worker.process.kill('SIGKILL');
  };
  const send = (message: SupervisorMessage): void => {
    // A dying worker has no channel any more.
    if (worker.isConnected()) worker.send(message, ignore);
  };
  worker.on('message', (message: WorkerMessage) => {
    switch (message.kind) {
      case 'ready':
        hasServed = true;
        return started.resolve(true);
      case 'heartbeat':
        heartbeats ??= watchHeartbeats(heartbeat, killHung);
        return heartbeats.beat();
      case 'failed':
        ({ problem } = message);
        return;
      case 'snapshot':
        onSnapshot(message.snapshot);
        for (const resolve of waiting) resolve();
        return;
      case 'metrics-wanted':
        // If this fails, the worker's own timeout reports it.
        return void readMetrics().then((rendered) => send({ kind: 'metrics', rendered }), ignore);
    }
  });
  worker.on('error', ignore);
  const exited = new Promise<Pick<WorkerEnd, 'code' | 'signal'>>((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => resolve({ code, signal }));
  });
  // Its last messages may arrive after its exit.
  const disconnected = new Promise<void>((resolve) => {
    worker.once('disconnect', resolve);
  });
  const end = async (): Promise<WorkerEnd> => {
    const [{ code, signal }] = await Promise.all([exited, disconnected]);
    heartbeats?.stop();
    for (const stop of waiting) stop();
    started.resolve(false);
    const wasServing = hasServed;
    hasServed = false;
    return { livedMs: performance.now() - startedAtMs, wasServing, problem, code, signal, wasHung };
  };
  return {
    id: worker.id,
    pid: worker.process.pid ?? 0,
    isServing: () => hasServed && !isClosing,
    started: started.promise,
    ended: end(),
    close(options) {
      isClosing = true;
      if (hasServed) send({ kind: 'close', options });
      // It has no requests yet.
      else worker.process.kill('SIGKILL');
    },
    kill: () => void worker.process.kill('SIGKILL'),
    requestSnapshot: (timeoutMs) =>
      new Promise((resolve) => {
        const stop = (): void => {
          clearTimeout(timer);
          waiting.delete(stop);
          resolve();
        };
        const timer = setTimeout(stop, timeoutMs);
        waiting.add(stop);
        send({ kind: 'snapshot-wanted' });
      }),
  };
}

function ignore(): void {}
