import { setTimeout as delay } from 'node:timers/promises';
import { startRestService } from './rest-service.ts';
import { attack, type AttackTarget } from '../e2e/support/attack-mix.ts';
import { compareWith } from '../e2e/support/create-load.ts';
import { createCaller, type GraphqlCaller, type ListedTask } from '../e2e/support/graphql-caller.ts';
import { answerWithHostility } from '../e2e/support/hostile-answers.ts';
import { startPatientLoad } from '../e2e/support/patient-load.ts';
import { seedCallers } from '../e2e/support/seeded-store.ts';

export interface SoakOptions {
  /** Starts `serve` with these variables; resolves with its address. */
  readonly start: (env: Readonly<Record<string, string>>) => Promise<URL>;
  /** The address of an empty database. */
  readonly databaseUrl: string;
  /** The number of rounds of attacks. */
  readonly rounds: number;
}

export interface SoakReport {
  readonly creates: number;
  /** The number of refusals that the ordinary caller retried. */
  readonly refusals: number;
  /** Every wrong answer to the ordinary caller, and every failure of `/health`. */
  readonly problems: readonly string[];
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** The limits that refused something, by their label in `gateway_refusals_total`. */
  readonly bounds: readonly string[];
  readonly peakMb: number;
  readonly slowestHealthMs: number;
  readonly seconds: number;
}

const NODE_OPTIONS = '--max-old-space-size=256';
const ORDINARY = 'Bearer ordinary';
const HOSTILE = 'Bearer hostile';
const PROBE_PAUSE_MS = 200;
/** Long, because a busy machine delays even an immediate answer. */
const UPSTREAM_TIMEOUT_MS = '60000';

/** Attacks a gateway with its own store, beside the load of an ordinary caller. */
export async function soakStore({ start, databaseUrl, rounds }: SoakOptions): Promise<SoakReport> {
  const [ordinary = '', attacker = ''] = await seedCallers(databaseUrl, 2);
  const address = await start({ DATABASE_URL: databaseUrl, NODE_OPTIONS });
  const caller = createCaller(ordinary);
  const target = { address, authorization: attacker, hostileAuthorization: null };
  return soak({ caller, target, rounds, readTasks: [() => caller.list(address)] });
}

/** Attacks a gateway in front of a service that gives a third caller hostile answers. */
export async function soakUpstream({ start, databaseUrl, rounds }: SoakOptions): Promise<SoakReport> {
  const service = await startRestService({ answer: answerWithHostility(HOSTILE) });
  try {
    const env = { DATABASE_URL: databaseUrl, UPSTREAM_URL: service.url.href, RECORD: 'on', UPSTREAM_TIMEOUT_MS };
    const address = await start({ ...env, NODE_OPTIONS });
    const caller = createCaller(ORDINARY);
    const target = { address, authorization: 'Bearer attacker', hostileAuthorization: HOSTILE };
    const readTasks = [
      () => caller.list(address),
      async () => service.tasks.map(({ ID, Parameters }) => ({ id: ID as string, parameters: Parameters as string })),
    ];
    return await soak({ caller, target, rounds, readTasks });
  } finally {
    await service.close();
  }
}

interface Soak {
  readonly caller: GraphqlCaller;
  readonly target: AttackTarget;
  readonly rounds: number;
  /** The places that must each hold every task of the caller exactly once. */
  readonly readTasks: readonly (() => Promise<readonly ListedTask[]>)[];
}

async function soak({ caller, target, rounds, readTasks }: Soak): Promise<SoakReport> {
  const { address } = target;
  const startedMs = performance.now();
  const load = startPatientLoad(caller, address);
  const watch = watchHealth(address);
  try {
    await attack(target, rounds);
  } finally {
    watch.end();
  }
  const { creates, refusals, problems } = await load.stop();
  const { unhealthy, ...seen } = await watch.findings;
  const findings = await Promise.all(readTasks.map(async (read) => compareWith(creates, await read())));
  return {
    creates: creates.length,
    refusals,
    problems: [...problems, ...unhealthy],
    lost: findings.flatMap(({ lost }) => lost),
    doubled: findings.flatMap(({ doubled }) => doubled),
    bounds: await readBounds(address),
    ...seen,
    seconds: (performance.now() - startedMs) / 1000,
  };
}

/** Polls `/health` and the memory in use. */
function watchHealth(address: URL) {
  const unhealthy: string[] = [];
  let slowestHealthMs = 0;
  let peakMb = 0;
  const over = new AbortController();
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const startedMs = performance.now();
      const { status } = await fetch(new URL('health', address));
      slowestHealthMs = Math.max(slowestHealthMs, performance.now() - startedMs);
      if (status !== 200) unhealthy.push(`/health: ${status}`);
      const [, bytes] = /^process_resident_memory_bytes (\S+)$/m.exec(await readMetrics(address)) ?? [];
      peakMb = Math.max(peakMb, Number(bytes) / 1024 / 1024);
      await delay(PROBE_PAUSE_MS);
    }
  };
  const findings = watch()
    .catch((error: unknown) => void unhealthy.push(`/health: ${String(error)}`))
    .then(() => ({ unhealthy, slowestHealthMs, peakMb }));
  return { findings, end: () => over.abort() };
}

async function readBounds(address: URL): Promise<readonly string[]> {
  const counts = (await readMetrics(address)).matchAll(/^gateway_refusals_total\{limit="(\w+)"\} [1-9]/gm);
  return Array.from(counts, ([, limit = '']) => limit);
}

async function readMetrics(address: URL): Promise<string> {
  return (await fetch(new URL('metrics', address))).text();
}

/** Returns a one-line summary. */
export function describeSoak({ creates, refusals, peakMb, slowestHealthMs, seconds, ...report }: SoakReport): string {
  return (
    `${creates} creates, lost = ${report.lost.length}, doubled = ${report.doubled.length}, ${refusals} refused and sent again, ` +
    `peak RSS ${Math.round(peakMb)} MB, slowest /health ${Math.round(slowestHealthMs)} ms, ${Math.round(seconds)} s`
  );
}
