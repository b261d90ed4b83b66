import type { GraphqlCaller, ListedTask } from './graphql-caller.ts';

/** A task that is updated again and again, each time with the next number as its Parameters. */
interface UpdatedTask {
  readonly id: string;
  sent: number;
  acknowledged: number;
}

export interface UpdateLoad {
  /** Creates the tasks. */
  prepare(address: URL): Promise<void>;
  /** Updates every task until the gateway is gone. */
  run(address: URL): Promise<void>;
  /** Returns the tasks that are not of this load; those of it without their last acknowledged update, or later, are `lost`. */
  compare(tasks: readonly ListedTask[]): { readonly others: readonly ListedTask[]; readonly lost: readonly string[] };
  /** How many updates were acknowledged. */
  count(): number;
}

const TASKS = 2;

export function createUpdateLoad(caller: GraphqlCaller): UpdateLoad {
  const updated = new Map<string, UpdatedTask>();
  return {
    async prepare(address) {
      for (let count = 0; count < TASKS; count += 1) {
        const verdict = await caller.create(address, '0');
        if (verdict.kind === 'created') updated.set(verdict.id, { id: verdict.id, sent: 0, acknowledged: 0 });
      }
    },
    async run(address) {
      await Promise.all(
        [...updated.values()].map(async (task) => {
          for (;;) {
            task.sent += 1;
            const number = task.sent;
            const verdict = await caller.update(address, task.id, String(number));
            if (verdict.kind === 'unanswered') return;
            if (verdict.kind !== 'updated') throw new Error(`An update failed: ${JSON.stringify(verdict)}`);
            task.acknowledged = number;
          }
        }),
      );
    },
    compare(tasks) {
      const found = new Map(tasks.map(({ id, parameters }) => [id, Number(parameters)]));
      const isLost = ({ id, sent, acknowledged }: UpdatedTask): boolean => {
        const number = found.get(id) ?? -1;
        return number < acknowledged || number > sent;
      };
      return {
        others: tasks.filter(({ id }) => !updated.has(id)),
        lost: [...updated.values()].filter(isLost).map(({ id }) => id),
      };
    },
    count: () => [...updated.values()].reduce((sum, { acknowledged }) => sum + acknowledged, 0),
  };
}
