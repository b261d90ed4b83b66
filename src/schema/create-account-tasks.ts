import type { CreatedAccountTask } from '../contract/account-task.ts';
import { FAILURES, type FailureCode, type Outcome, shortenMessage, TaskFailure } from '../contract/failure.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { type FieldCounts, heldSize, withoutLongTexts, withoutUnrequested } from './task-size.ts';
import type { Builder } from './builder.ts';
import { createTask } from './context.ts';
import {
  type CreateAccountTaskInputRef,
  IDEMPOTENCY_KEY,
  toNewAccountTask,
  WRITE_COST,
} from './create-account-task.ts';
import { limitCreates, countFieldsBelow } from './requested-fields.ts';

const OUTCOMES = {
  NOT_SENT: { description: 'Nothing left the gateway, so nothing was created.' },
  REJECTED: { description: 'The service answered and did not create the task.' },
  UNKNOWN: {
    description:
      'No trustworthy answer arrived, so the task may exist. Repeat the create only with the same idempotencyKey.',
  },
} as const satisfies Record<Outcome, { description: string }>;

const MASKED = { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error.' } as const;

const CODES = Object.fromEntries(
  [...FAILURES, { code: MASKED.code, description: 'A defect of the gateway, described in its log.' }].map(
    ({ code, description }) => [code, { description }],
  ),
) as Readonly<Record<FailureCode | typeof MASKED.code, { readonly description: string }>>;

export function addCreateAccountTasks(builder: Builder, CreateAccountTaskInput: CreateAccountTaskInputRef): void {
  const TaskOutcome = builder.enumType('TaskOutcome', {
    description: 'What happened to a task whose create failed.',
    values: OUTCOMES,
  });
  const TaskFailureCode = builder.enumType('TaskFailureCode', {
    description: 'Why a create failed. `extensions.code` has the same codes.',
    values: CODES,
  });

  const CreateAccountTaskItem = builder.inputType('CreateAccountTaskItem', {
    description: 'One create of a batch.',
    fields: (t) => ({
      input: t.field({ type: CreateAccountTaskInput, required: true, description: 'The task to register.' }),
      idempotencyKey: t.string({ description: IDEMPOTENCY_KEY }),
    }),
  });

  builder.interfaceType('WriteFailure', {
    description: 'A write that failed, with the fields that its GraphQL error has in its extensions.',
    resolveType: () => 'CreateAccountTaskFailure',
    fields: (t) => ({
      message: t.string({
        nullable: false,
        description: "The service's reason, or a sentence from the gateway.",
        resolve: ({ failure }) => shortenMessage(failure?.message ?? MASKED.message),
      }),
      code: t.field({
        type: TaskFailureCode,
        nullable: false,
        description: 'Why the write failed.',
        resolve: ({ failure }) => failure?.code ?? MASKED.code,
      }),
      outcome: t.field({
        type: TaskOutcome,
        nullable: false,
        description: 'What happened to the task.',
        resolve: ({ failure }) => failure?.outcome ?? 'UNKNOWN',
      }),
      errorCode: t.string({
        description: "The service's ErrorCode, verbatim.",
        resolve: ({ failure }) => failure?.errorCode,
      }),
      errorReason: t.string({
        description: "The service's ErrorReason, verbatim.",
        resolve: ({ failure }) => failure?.errorReason,
      }),
      retryable: t.boolean({
        nullable: false,
        description: 'True if the same write can be sent again unchanged.',
        resolve: ({ failure }) => failure?.retryable ?? false,
      }),
      requestId: t.exposeID('requestId', {
        nullable: false,
        description: "The write's request in the gateway's log, and at the service, which got it as X-Request-Id.",
      }),
    }),
  });

  builder.objectType('CreateAccountTaskFailure', {
    interfaces: ['WriteFailure'],
    description: 'The result of a create that failed.',
  });

  const CreateAccountTaskResult = builder.unionType('CreateAccountTaskResult', {
    description: 'The result of one create of a batch.',
    types: ['CreateAccountTaskPayload', 'CreateAccountTaskFailure'],
    resolveType: (item) => ('accountTask' in item ? 'CreateAccountTaskPayload' : 'CreateAccountTaskFailure'),
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
          description: 'The tasks to register: at most 100, including all other creates of the request.',
        }),
      },
      resolve: async (_, { inputs }, context, info) => {
        limitCreates('inputs', info);
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
              return held.hold(await createTask(context, place, task, idempotencyKey ?? null));
            } catch (error) {
              context.reportFailure(error, [name, index]);
              return { failure: error instanceof TaskFailure ? error : null, requestId: context.requestId };
            }
          },
        );
        await held.release();
        return results;
      },
    }),
  );
}

/** Charges the tasks that wait for the rest of their batch to the answer. Tasks over budget lose their long texts. */
function createHeldTasks(answer: AnswerBudget, fieldCounts: FieldCounts) {
  let heldBytes = 0;
  return {
    hold(created: CreatedAccountTask): CreatedAccountTask {
      const accountTask = withoutUnrequested(created.accountTask, fieldCounts);
      const bytes = heldSize(accountTask);
      if (!answer.take(bytes)) return { ...created, accountTask: withoutLongTexts(accountTask, answer) };
      heldBytes += bytes;
      return { ...created, accountTask };
    },
    /** From here on the values of the tasks are charged as they are written. */
    async release(): Promise<void> {
      await answer.waitToWrite(heldBytes);
      answer.release(heldBytes);
    },
  };
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
