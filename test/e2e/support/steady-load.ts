import { setTimeout as delay } from 'node:timers/promises';
import { compareWith, type LoadedCreate } from './create-load.ts';
import type { GraphqlCaller } from './graphql-caller.ts';

/** A load of creates with keys, each sent once, by callers that pause briefly: the load lasts as long as its test waits. */
export interface SteadyLoad {
  /** The number of acknowledged creates so far. */
  acknowledged(): number;
  /** Resolves after `count` more acknowledgements, or at the first failure. */
  untilMore(count: number): Promise<void>;
  /** Waits for the creates in flight and compares all of them with the listed tasks. */
  stop(): Promise<SteadyFindings>;
}

export interface SteadyFindings {
  readonly sent: number;
  /** The failures of creates. */
  readonly failures: readonly string[];
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
}

const CALLERS = 4;
const PAUSE_MS = 100;

export function startSteadyLoad(caller: GraphqlCaller, address: URL): SteadyLoad {
  const creates: LoadedCreate[] = [];
  const failures: string[] = [];
  const waiting = new Set<() => void>();
  let acknowledged = 0;
  const over = new AbortController();
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const number = creates.length;
      const create = { parameters: JSON.stringify({ number }), key: `key-${number}`, ids: new Set<string>() };
      creates.push(create);
      const verdict = await caller.create(address, create.parameters, create.key);
      if (verdict.kind === 'created') {
        create.ids.add(verdict.id);
        acknowledged += 1;
      } else failures.push(verdict.kind === 'failed' ? `${verdict.failure}: ${verdict.message}` : 'unanswered');
      for (const check of waiting) check();
      await delay(PAUSE_MS);
    }
  };
  const working = Promise.all(Array.from({ length: CALLERS }, work));
  return {
    acknowledged: () => acknowledged,
    untilMore(count) {
      const goal = acknowledged + count;
      return new Promise((resolve) => {
        const check = (): void => {
          if (acknowledged < goal && failures.length === 0) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
    },
    async stop() {
      over.abort();
      await working;
      const { lost, doubled } = compareWith(creates, await caller.list(address));
      return { sent: creates.length, failures, lost, doubled };
    },
  };
}
