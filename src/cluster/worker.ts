import type { Worker } from 'node:cluster';
import type { Config } from '../app/config.ts';
import type { CloseOptions } from '../app/gateway.ts';
import { type Serving, startServing } from '../app/serving.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { withTimeLimit } from '../event-loop/time-limit.ts';
import type { Metrics, RenderedMetrics } from '../telemetry/metrics.ts';
import { HEARTBEAT, type HeartbeatRule, type SupervisorMessage, type WorkerMessage } from './supervised-worker.ts';

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
  const orphaned = Promise.withResolvers<null>();
  let rendered = Promise.withResolvers<RenderedMetrics>();
  let ownMetrics: Metrics | null = null;
  let serving: Serving | null = null;

  const send = (message: WorkerMessage): Promise<void> =>
    new Promise((resolve) => {
      if (self.isConnected()) self.send(message, () => resolve());
      else resolve();
    });
  const beat = async (): Promise<void> => send({ kind: 'heartbeat', snapshot: (await ownMetrics?.snapshot()) ?? null });
  const renderAll = async (): Promise<RenderedMetrics> => {
    const { promise } = (rendered = Promise.withResolvers());
    await beat();
    await send({ kind: 'metrics-wanted' });
    return withTimeLimit(promise, METRICS_TIMEOUT_MS, () => {
      throw new Error('The supervisor did not answer.');
    });
  };
  self.on('message', (message: SupervisorMessage) => {
    if (message.kind === 'metrics') return rendered.resolve(message.rendered);
    closing.resolve(message.options);
    // A signal to the whole process group may have reached this worker first and started a close with isReplaced.
    serving?.close(message.options).catch(ignore);
  });
  void beat();
  setInterval(() => void beat(), intervalMs).unref();
  self.once('disconnect', () => {
    orphaned.resolve(null);
    closing.resolve({ drainMs: 0 });
  });
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
    serving = await Promise.race([starting, orphaned.promise]);
    if (!serving) return 1;
    await send({ kind: 'ready' });
    await serving.close(await closing.promise);
    await beat();
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
