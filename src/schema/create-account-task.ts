import type { NewAccountTask } from '../contract/account-task.ts';
import { parseGuidArgument } from './account-task-type.ts';
import type { Builder } from './builder.ts';
import { createTask } from './context.ts';
import type { Enums } from './leaf-types.ts';
import { limitCreates } from './requested-fields.ts';

export const IDEMPOTENCY_KEY =
  '1 to 255 characters. With the same key the same input creates once, however often it is sent: the first result is given ' +
  'again. The same key with another input is refused.';

export type CreateAccountTaskInputRef = ReturnType<typeof addCreateAccountTaskInput>;

export function addCreateAccountTaskInput(builder: Builder, enums: Enums) {
  return builder.inputType('CreateAccountTaskInput', {
    description: 'What to register. It is checked in full before anything is sent or stored.',
    fields: (t) => ({
      taskId: t.id({
        required: true,
        description: 'The task to register: a GUID in the forms N, D, B or P, any case.',
      }),
      frequency: t.field({ type: enums.TaskFrequency, required: true, description: 'How often the task should run.' }),
      startDate: t.field({ type: 'DateTime', description: 'When the task should start running.' }),
      finishDate: t.field({ type: 'DateTime', description: 'When the task should stop running.' }),
      parameters: t.string({
        required: true,
        description: 'The parameters for the task: a text that parses as `contentType`. It is passed on unchanged.',
      }),
      contentType: t.field({
        type: enums.ParametersContentType,
        required: true,
        description: 'The format `parameters` is in.',
      }),
      notification: t.field({
        type: enums.TaskNotification,
        description: 'What the task should send back to the user.',
      }),
    }),
  });
}

/** Converts an input to the contract's request. Throws BAD_USER_INPUT that names the invalid field. */
export function toNewAccountTask(field: string, input: CreateAccountTaskInputRef['$inferInput']): NewAccountTask {
  return {
    TaskID: parseGuidArgument(`${field}.taskId`, input.taskId),
    Frequency: input.frequency,
    StartDate: input.startDate ?? null,
    FinishDate: input.finishDate ?? null,
    Parameters: input.parameters,
    ContentType: input.contentType,
    Notification: input.notification ?? null,
  };
}

export function addCreateAccountTask(builder: Builder, CreateAccountTaskInput: CreateAccountTaskInputRef): void {
  builder.objectType('Identification', {
    directives: { shareable: {} },
    description: 'Whom the service takes the caller for.',
    fields: (t) => ({
      userId: t.string({ description: 'The user, as the service names it.', resolve: ({ UserId }) => UserId }),
    }),
  });

  builder.objectType('CreateAccountTaskPayload', {
    description: 'What came of a create that succeeded.',
    fields: (t) => ({
      accountTask: t.expose('accountTask', {
        type: 'AccountTask',
        nullable: false,
        description: 'The task that was registered.',
      }),
      identification: t.field({
        type: 'Identification',
        description: 'Whom the service takes the caller for.',
        resolve: ({ Identification }) => Identification,
      }),
      result: t.string({
        description: "The service's word on the result. The REST contract does not document its values.",
        resolve: ({ Result }) => Result,
      }),
      replayed: t.exposeBoolean('replayed', {
        nullable: false,
        description: 'True when an earlier result with the same idempotencyKey is given again.',
      }),
    }),
  });

  builder.mutationField('createAccountTask', (t) =>
    t.field({
      type: 'CreateAccountTaskPayload',
      nullable: false,
      description:
        "Registers a task on the caller's account. It is never repeated silently. A failure says in `extensions.outcome` what became " +
        'of the task: NOT_SENT (nothing left the gateway), REJECTED (the service answered and did not create), ' +
        'or UNKNOWN (no trustworthy answer came: it may exist).',
      args: {
        input: t.arg({ type: CreateAccountTaskInput, required: true, description: 'What to register.' }),
        idempotencyKey: t.arg.string({ description: IDEMPOTENCY_KEY }),
      },
      resolve: (_, { input, idempotencyKey = null }, context, info) => {
        limitCreates('createAccountTask', info);
        const place = { path: String(info.path.key), inputPath: 'input' };
        return createTask(context, place, toNewAccountTask(place.inputPath, input), idempotencyKey);
      },
    }),
  );
}
