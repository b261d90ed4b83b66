import type { Worker } from 'node:cluster';
import type { Config } from '../app/config.ts';
import type { CloseOptions } from '../app/gateway.ts';
import { HEARTBEAT, type HeartbeatRule, type SupervisorMessage, type WorkerMessage } from './worker-messages.ts';
import type { Metrics, RenderedMetrics } from '../telemetry/metrics.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { type Serving, startServing } from '../app/serving.ts';

/** Longer than the supervisor waits for a busy worker. */
const METRICS_TIMEOUT_MS = 5_000;

/**
 * Serves as one of several processes until the supervisor closes it, `stopRequested` resolves or the supervisor is gone.
 * Resolves with the exit status.
 */
export async function runWorker(
  config: Config,
  self: Worker,
  stopRequested: Promise<void>,
  { intervalMs }: Pick<HeartbeatRule, 'intervalMs'> = HEARTBEAT,
): Promise<number> {
  // Otherwise Node exits in the middle of requests when the supervisor is gone.
  self.exitedAfterDisconnect = true;
  const closing = Promise.withResolvers<CloseOptions>();
  const rendering = new Set<(rendered: RenderedMetrics) => void>();
  let ownMetrics: Metrics | null = null;
  let serving: Serving | null = null;

  const send = (message: WorkerMessage): Promise<void> =>
    new Promise((resolve) => {
      if (self.isConnected()) self.send(message, () => resolve());
      else resolve();
    });
  const sendSnapshot = async (): Promise<void> => {
    if (ownMetrics) await send({ kind: 'snapshot', snapshot: await ownMetrics.snapshot() });
  };
  const renderAll = async (): Promise<RenderedMetrics> => {
    const rendered = Promise.withResolvers<RenderedMetrics>();
    const timer = setTimeout(() => rendered.reject(new Error('The supervisor did not answer.')), METRICS_TIMEOUT_MS);
    rendering.add(rendered.resolve);
    try {
      await send({ kind: 'metrics-wanted' });
      return await rendered.promise;
    } finally {
      clearTimeout(timer);
      rendering.delete(rendered.resolve);
    }
  };
  self.on('message', (message: SupervisorMessage) => {
    switch (message.kind) {
      case 'close':
        closing.resolve(message.options);
        // A signal to the whole process group may have reached this worker first and started a close with isReplaced.
        serving?.close(message.options).catch(ignore);
        return;
      case 'snapshot-wanted':
        void sendSnapshot();
        return;
      case 'metrics':
        for (const resolve of rendering) resolve(message.rendered);
        return;
    }
  });
  void send({ kind: 'heartbeat' });
  setInterval(() => void send({ kind: 'heartbeat' }), intervalMs).unref();
  const orphaned = new Promise<null>((resolve) => {
    self.once('disconnect', () => resolve(null));
  });
  void orphaned.then(() => closing.resolve({ drainMs: 0 }));
  self.on('error', ignore);
  void stopRequested.then(() => closing.resolve({ drainMs: config.drainMs, isReplaced: true }));

  try {
    const starting = startServing(toShare(config), 'serve', {
      workerId: self.id,
      shareMetrics(own) {
        ownMetrics = own;
        return { ...own, render: shareForASecond(renderAll) };
      },
    });
    serving = await Promise.race([starting, orphaned]);
    if (!serving) return 1;
    await send({ kind: 'ready' });
    await serving.close(await closing.promise);
    await sendSnapshot();
    return 0;
  } catch (error) {
    await send({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) });
    return 1;
  }
}

/** Returns this worker's share of the limits that all workers share. */
function toShare({ upstream, ...config }: Config): Config {
  const share = (total: number): number => Math.floor(total / config.workers);
  return {
    ...config,
    upstream: upstream && {
      ...upstream,
      connections: share(upstream.connections),
      maxInFlight: share(upstream.maxInFlight),
    },
  };
}

function ignore(): void {}
