import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedCreate } from './create-load.ts';
import type { GraphqlCaller, Verdict } from './graphql-caller.ts';

/** The outcome of the load. */
export interface PatientFindings {
  readonly creates: readonly LoadedCreate[];
  /** How often something was refused as too much, and sent again. */
  readonly refusals: number;
  /** Every answer that was another than the right one. */
  readonly problems: readonly string[];
}

/** Creates with a key each; every second one is sent twice, and each task is read. Only a refusal of too much is sent again. */
export interface PatientLoad {
  /** Lets what is under way end. */
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

  const insist = async (send: () => Promise<Verdict>): Promise<Verdict> => {
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
  const createAndLook = async (): Promise<void> => {
    const number = creates.length;
    const key = `key-${number}`;
    const create = { parameters: JSON.stringify({ number }), key, ids: new Set<string>() };
    creates.push(create);
    const first = await insist(() => caller.create(address, create.parameters, key));
    const id = first.kind === 'created' ? first.id : '';
    expect(key, first, { kind: 'created', id, replayed: false });
    if (first.kind !== 'created') return;
    create.ids.add(id);
    if (number % 2 === 0) {
      const again = await insist(() => caller.create(address, create.parameters, key));
      expect(`${key} again`, again, { kind: 'created', id, replayed: true });
    }
    const found = await insist(() => caller.find(address, id));
    expect(`task of ${key}`, found, { kind: 'found', parameters: create.parameters });
  };
  const work = async (): Promise<void> => {
    while (problems.length === 0 && (!over.signal.aborted || creates.length < MIN_CREATES)) await createAndLook();
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
