import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedCreate } from './create-load.ts';
import type { GraphqlCaller, Verdict } from './graphql-caller.ts';

/** The outcome of the load. */
export interface PatientFindings {
  readonly creates: readonly LoadedCreate[];
  /** The number of OVERLOADED refusals that were retried. */
  readonly refusals: number;
  /** Every unexpected answer. */
  readonly problems: readonly string[];
}

/**
 * A load of creates with keys: every second one is sent twice and each task is read. Only OVERLOADED is retried. Its callers
 * pause after each create, since the load lasts as long as the attack beside it.
 */
export interface PatientLoad {
  /** Waits for the requests in flight and returns the findings. */
  stop(): Promise<PatientFindings>;
}

const CALLERS = 4;
const MIN_CREATES = 20;
const PAUSE_MS = 20;

export function startPatientLoad(caller: GraphqlCaller, address: URL): PatientLoad {
  const creates: LoadedCreate[] = [];
  const problems: string[] = [];
  let refusals = 0;
  const over = new AbortController();

  const retryOverload = async (send: () => Promise<Verdict>): Promise<Verdict> => {
    for (;;) {
      const verdict = await send();
      if (verdict.kind !== 'failed' || verdict.failure !== 'OVERLOADED NOT_SENT') return verdict;
      refusals += 1;
      await delay(PAUSE_MS);
    }
  };
  const expect = (what: string, verdict: Verdict, expected: Verdict): void => {
    if (JSON.stringify(verdict) !== JSON.stringify(expected)) problems.push(`${what}: ${JSON.stringify(verdict)}`);
  };
  const createAndRead = async (): Promise<void> => {
    const number = creates.length;
    const key = `key-${number}`;
    const create = { parameters: JSON.stringify({ number }), key, ids: new Set<string>() };
    creates.push(create);
    const first = await retryOverload(() => caller.create(address, create.parameters, key));
    const id = first.kind === 'created' ? first.id : '';
    expect(key, first, { kind: 'created', id, replayed: false });
    if (first.kind !== 'created') return;
    create.ids.add(id);
    if (number % 2 === 0) {
      const again = await retryOverload(() => caller.create(address, create.parameters, key));
      expect(`${key} again`, again, { kind: 'created', id, replayed: true });
    }
    const found = await retryOverload(() => caller.find(address, id));
    expect(`task of ${key}`, found, { kind: 'found', parameters: create.parameters });
    await delay(PAUSE_MS);
  };
  const work = async (): Promise<void> => {
    while (problems.length === 0 && (!over.signal.aborted || creates.length < MIN_CREATES)) await createAndRead();
  };
  const working = Promise.all(Array.from({ length: CALLERS }, work));
  return {
    async stop() {
      over.abort();
      await working;
      return { creates, refusals, problems };
    },
  };
}
