import { compareWith, type LoadedCreate } from './create-load.ts';
import type { GraphqlCaller } from './graphql-caller.ts';

/** Creates with a key each, sent once, by callers that never pause. */
export interface SteadyLoad {
  /** How many have been acknowledged so far. */
  acknowledged(): number;
  /** Resolves once this many more have been acknowledged. */
  untilMore(count: number): Promise<void>;
  /** Lets what is under way end, and compares what was sent with what is there. */
  stop(): Promise<SteadyFindings>;
}

export interface SteadyFindings {
  readonly sent: number;
  /** What the creates failed with. */
  readonly failures: readonly string[];
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
}

const CALLERS = 4;

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
