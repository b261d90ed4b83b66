import cluster from 'node:cluster';
import type { CloseOptions } from '../app/gateway.ts';
import {
  type Heartbeats,
  type HeartbeatWatch,
  watchHeartbeats,
  type SupervisorMessage,
  type WorkerMessage,
} from './worker-messages.ts';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** How a worker's life ended. */
export interface WorkerEnd {
  readonly livedMs: number;
  readonly wasServing: boolean;
  /** What it said of a start that could not be; null when it said nothing. */
  readonly problem: string | null;
  /** Null: a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** It was killed because it sent no heartbeat. */
  readonly wasHung: boolean;
}

/** A worker process, as the process that started it sees it. */
export interface SupervisedWorker {
  readonly id: number;
  readonly pid: number;
  isServing(): boolean;
  /** Resolves with true once it serves, with false when it has ended before. */
  readonly started: Promise<boolean>;
  readonly ended: Promise<WorkerEnd>;
  close(closing: CloseOptions): void;
  kill(): void;
  /** Resolves once it has said what it counted so far; or, a worker being busy or gone, after the time-out. */
  lookAtMetrics(timeoutMs: number): Promise<void>;
}

export interface WorkerListeners {
  readonly onSnapshot: (snapshot: MetricsSnapshot) => void;
  /** Those of all workers. */
  readonly readMetrics: () => Promise<RenderedMetrics>;
}

// Every worker accepts from one socket. In turns by way of this process they cost more, and Node forgets connections that
// were on their way to a worker that dies; a socket for each loses those that wait in its queue.
cluster.schedulingPolicy = cluster.SCHED_NONE;

/** Starts the program once more, with the same words and variables. */
export function startSupervisedWorker(
  heartbeat: HeartbeatWatch,
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
  /** Null as long as it is starting. */
  let heartbeats: Heartbeats | null = null;
  let wasHung = false;

  const killHung = (): void => {
    wasHung = true;
    worker.process.kill('SIGKILL');
  };
  const send = (message: SupervisorMessage): void => {
    // A worker that is just dying cannot be told anything.
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
        // Without an answer the worker says that there is none.
        return void readMetrics().then((rendered) => send({ kind: 'metrics', rendered }), ignore);
    }
  });
  worker.on('error', ignore);
  const exited = new Promise<Pick<WorkerEnd, 'code' | 'signal'>>((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => resolve({ code, signal }));
  });
  // What it said last may arrive after its end.
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
    close(closing) {
      isClosing = true;
      if (hasServed) send({ kind: 'close', closing });
      // It has nothing under way yet.
      else worker.process.kill('SIGKILL');
    },
    kill: () => void worker.process.kill('SIGKILL'),
    lookAtMetrics: (timeoutMs) =>
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
