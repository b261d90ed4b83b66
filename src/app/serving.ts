import { openObservers } from './observers.ts';
import { openBackend } from './open-backend.ts';
import type { Config, Mode } from './config.ts';
import { demoBanner, openDemo, SAMPLE_MUTATION, withSampleKey } from './demo.ts';
import { demoSections } from './demo-page.ts';
import { exampleTabs } from './example-tabs.ts';
import { type CloseOptions, createHttpGateway } from './gateway.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { setFlagsFromString } from 'node:v8';

/** A gateway that accepts requests. */
export interface Serving {
  readonly address: URL;
  /** The text to print for the person who started the demo; null in production, where the log has it. */
  readonly banner: string | null;
  /** Drains, then stops. @throws Error if requests had to be cut off. */
  close(options: CloseOptions): Promise<void>;
}

/** The role of this process if several serve one address. */
export interface ClusterMember {
  readonly workerId: number;
  /** Turns the metrics of this process into those of all of them. */
  readonly shareMetrics: (own: Metrics) => Metrics;
}

const PLACEHOLDER = 'Bearer <your token>';

/** Opens everything that is configured, and listens. @throws Error with one line for the person who starts it. */
export async function startServing(config: Config, mode: Mode, member?: ClusterMember): Promise<Serving> {
  allocateInYoungGeneration();
  const opened = await openObservers(config, member && { worker: member.workerId });
  const observers = { ...opened, metrics: member?.shareMetrics(opened.metrics) ?? opened.metrics };
  const { log } = observers;
  const demo = mode === 'demo' && !config.upstream ? await openDemo(config, observers) : null;
  const backend = demo?.backend ?? (await openBackend(config, observers));
  const authorization = demo?.authorization ?? PLACEHOLDER;
  const start = async () => {
    const gateway = createHttpGateway(config, backend, observers, {
      tabs: mode === 'demo' ? exampleTabs(config) : [withSampleKey(SAMPLE_MUTATION, config)],
      headers: { Authorization: authorization },
      isLocal: mode === 'demo',
      sections: mode === 'demo' ? demoSections(config, demo) : [],
    });
    return { gateway, ...(await gateway.listen()) };
  };
  const { gateway, address, metricsAddress } = await start().catch(async (error: unknown) => {
    await backend.tasks.close();
    throw toStartError(error as ListenError, config);
  });
  const backendName = config.upstream ? 'upstream' : 'store';
  log.info(
    { address: address.href, ...(metricsAddress && { metricsAddress: metricsAddress.href }), backend: backendName },
    'listening',
  );
  return {
    address,
    banner: mode === 'demo' ? demoBanner(address, authorization, config, demo?.accountNote) : null,
    async close(options) {
      try {
        await gateway.close(options);
      } finally {
        await observers.close();
      }
    },
  };
}

type ListenError = NodeJS.ErrnoException & { readonly port?: number };

function toStartError(error: ListenError, { host, metricsPort }: Config): Error {
  const { code, port } = error;
  const variable = port === metricsPort ? 'METRICS_PORT' : 'PORT';
  if (code === 'EADDRINUSE') return new Error(`port ${port} of ${host} is in use; set ${variable} to another port`);
  const remedy = 'set HOST to 127.0.0.1, or to 0.0.0.0 for all its addresses';
  const isUnknown = code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL';
  return isUnknown ? new Error(`HOST ${host} is not an address of this machine; ${remedy}`) : error;
}

/**
 * Makes V8 allocate every object in the young generation; must be called before the first request.
 * By default V8 learns which allocation sites make long-lived objects. While its heap is small it mistakes the objects of a
 * request for such, allocates them in the old generation, and keeps all they refer to until the next full collection. That
 * cost 2.8 KB more per request, a fifth of its CPU and half of the 99th percentile.
 */
function allocateInYoungGeneration(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
