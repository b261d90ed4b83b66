import cluster from 'node:cluster';
import { readConfig } from '../../../src/app/config.ts';
import { startSupervisor } from '../../../src/cluster/supervisor.ts';
import { runWorker } from '../../../src/cluster/worker.ts';

// `watched-workers.ts INTERVAL_MS MAX_MISSED`: starts workers with a heartbeat rule that suits a test.
const [intervalMs = 0, maxMissed = 0] = process.argv.slice(2).map(Number);
const config = readConfig(process.env, 'serve');
if (cluster.worker) process.exit(await runWorker(config, cluster.worker, new Promise(() => {}), { intervalMs }));
await (await startSupervisor(config, { intervalMs, maxMissed })).ended;
