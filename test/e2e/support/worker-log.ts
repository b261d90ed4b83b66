import type { GatewayProcess } from './gateway-process.ts';

/** The process IDs of a gateway's workers by number, ended workers included. */
export function workerPids(gateway: GatewayProcess): ReadonlyMap<number, number> {
  const started = gateway.stderr().matchAll(/"worker":(\d+),"pid":(\d+),"msg":"worker started"/g);
  return new Map([...started].map(([, worker, pid]) => [Number(worker), Number(pid)]));
}

/** Resolves once this worker serves. */
export async function untilServing(gateway: GatewayProcess, worker: number): Promise<void> {
  await gateway.output(new RegExp(`"worker":${worker},"address"`));
}

/** Sends a signal to this worker. */
export function signalWorker(gateway: GatewayProcess, worker: number, signal: NodeJS.Signals): void {
  const pid = workerPids(gateway).get(worker);
  if (pid === undefined) throw new Error(`There is no worker ${worker}.`);
  process.kill(pid, signal);
}
