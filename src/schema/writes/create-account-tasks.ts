import { createHeldTasks } from '../task-size.ts';
import type { Builder } from '../builder.ts';
import { type CreateAccountTaskInputRef, CREATE_KEY, toNewAccountTask } from './single-writes.ts';
import { countFieldsBelow, limitWrites } from '../requested-fields.ts';
import { failedWrite } from './write-outcome.ts';
import { carryOut, WRITE_COST, type WriteResultRef } from './write-field.ts';

export function addCreateAccountTasks(
  builder: Builder,
  CreateAccountTaskInput: CreateAccountTaskInputRef,
  CreateAccountTaskResult: WriteResultRef,
): void {
  const CreateAccountTaskItem = builder.inputType('CreateAccountTaskItem', {
    description: 'One create of a batch.',
    fields: (t) => ({
      input: t.field({ type: CreateAccountTaskInput, required: true, description: 'The task to register.' }),
      idempotencyKey: t.string({ description: CREATE_KEY }),
    }),
  });

  builder.mutationField('createAccountTasks', (t) =>
    t.field({
      type: [CreateAccountTaskResult],
      nullable: { list: false, items: false },
      directives: WRITE_COST,
      description:
        'Registers up to 100 tasks. Each create succeeds or fails on its own; the results are in the order of the inputs.',
      args: {
        inputs: t.arg({
          type: [CreateAccountTaskItem],
          required: true,
          description: 'The tasks to register: at most 100, including all other writes of the request.',
        }),
      },
      resolve: async (_, { inputs }, context, info) => {
        limitWrites('inputs', info);
        await context.authenticate();
        const name = String(info.path.key);
        const held = createHeldTasks(context.answer, countFieldsBelow([info.operation.selectionSet], info));
        const results = await mapConcurrently(
          inputs,
          context.batchConcurrency,
          async ({ input, idempotencyKey }, index) => {
            try {
              const inputPath = `inputs.${index}.input`;
              const task = toNewAccountTask(inputPath, input);
              const place = { path: `${name}.${index}`, inputPath };
              const created = await carryOut(context, 'create', place, task, idempotencyKey ?? null);
              return { ...created, accountTask: held.hold(created.accountTask) };
            } catch (error) {
              return failedWrite(context, 'create', error, [name, index]);
            }
          },
        );
        await held.release();
        return results;
      },
    }),
  );
}

/** Maps items to results in their order, at most `limit` at a time. */
async function mapConcurrently<In, Out>(
  items: readonly In[],
  limit: number,
  map: (item: In, index: number) => Promise<Out>,
): Promise<readonly Out[]> {
  const results: Out[] = [];
  const entries = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await map(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}
