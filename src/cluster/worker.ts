import type { Worker } from 'node:cluster';
import type { Config } from '../app/config.ts';
import type { CloseOptions } from '../app/gateway.ts';
import { type Serving, startServing } from '../app/serving.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { withTimeLimit } from '../event-loop/time-limit.ts';
import type { Metrics, RenderedMetrics } from '../telemetry/metrics.ts';
import { HEARTBEAT, type HeartbeatRule, type SupervisorMessage, type WorkerReport } from './supervised-worker.ts';

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
  let rendered = Promise.withResolvers<RenderedMetrics>();
  let ownMetrics: Metrics | null = null;
  let serving: Serving | null = null;

  const report = async (news: Pick<WorkerReport, 'problem' | 'wantsMetrics'> = {}): Promise<void> => {
    const snapshot = (await ownMetrics?.snapshot()) ?? null;
    const message: WorkerReport = { snapshot, isServing: serving !== null, ...news };
    await new Promise<unknown>((resolve) => self.send(message, resolve));
  };
  const renderAll = async (): Promise<RenderedMetrics> => {
    const { promise } = (rendered = Promise.withResolvers());
    await report({ wantsMetrics: true });
    return withTimeLimit(promise, METRICS_TIMEOUT_MS, () => {
      throw new Error('The supervisor did not answer.');
    });
  };
  self.on('message', (message: SupervisorMessage) => {
    if ('metrics' in message) return rendered.resolve(message.metrics);
    closing.resolve(message.close);
    // A signal to the whole process group may have reached this worker first and started a close with isReplaced.
    serving?.close(message.close).catch(() => undefined);
  });
  self.on('error', () => undefined);
  void report();
  setInterval(() => void report(), intervalMs).unref();
  self.once('disconnect', () => closing.resolve({ drainMs: 0 }));
  void stopRequested.then(() => closing.resolve({ drainMs: config.drainMs, isReplaced: true }));

  try {
    const { upstream, workers } = config;
    /** The limits of the service are shared by all workers. */
    const share = (total = 0): number => Math.floor(total / workers);
    const shares = { connections: share(upstream?.connections), maxInFlight: share(upstream?.maxInFlight) };
    serving = await startServing({ ...config, upstream: upstream && { ...upstream, ...shares } }, 'serve', {
      workerId: self.id,
      shareMetrics(own) {
        ownMetrics = own;
        return { ...own, render: shareForASecond(renderAll) };
      },
    });
    await report();
    await serving.close(await closing.promise);
    await report();
    return 0;
  } catch (error) {
    await report({ problem: error instanceof Error ? error.message : String(error) });
    return 1;
  }
}
