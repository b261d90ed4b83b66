import type { Backend } from './backend.ts';
import type { Config } from './config.ts';
import { observeCommits, type Observers } from './observers.ts';
import { storeBackend } from './store-backend.ts';

/** Opens the configured backend; the code of the other one is not loaded. */
export async function openBackend(config: Config, observers: Observers): Promise<Backend> {
  if (config.upstream) {
    const { openUpstreamBackend } = await import('./upstream-backend.ts');
    return openUpstreamBackend(config, config.upstream, observers);
  }
  const { openStore } = await import('../store/store.ts');
  const store = await openStore({ ...config, observeCommits: observeCommits(observers.metrics) });
  return storeBackend(store, config, observers);
}
