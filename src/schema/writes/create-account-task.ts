import type { NewAccountTask } from '../../contract/account-task.ts';
import { parseGuidArgument } from '../account-task-type.ts';
import type { Builder, InputFields } from '../builder.ts';
import type { Enums } from '../leaf-types.ts';
import { addEnvelopeFields, addWrite } from './write-field.ts';

export const CREATE_KEY =
  '1 to 255 characters. The same key with the same input creates one task, however often it is sent; repeats return the first ' +
  'result. The same key with another input is refused.';

export type CreateAccountTaskInputRef = ReturnType<typeof addCreateAccountTaskInput>;

export function addCreateAccountTaskInput(builder: Builder, enums: Enums) {
  return builder.inputType('CreateAccountTaskInput', {
    description: 'The task to register. It is checked completely before anything is sent or stored.',
    fields: (t) => taskFields(t, enums),
  });
}

/** The fields of a task that a create sets and an update replaces. */
export function taskFields(t: InputFields, enums: Enums) {
  return {
    taskId: t.id({
      required: true,
      description: 'The catalogue task to register: a GUID in format N, D, B or P, in any case.',
    }),
    frequency: t.field({ type: enums.TaskFrequency, required: true, description: 'How often the task should run.' }),
    startDate: t.field({ type: 'DateTime', description: 'When the task should start running.' }),
    finishDate: t.field({ type: 'DateTime', description: 'When the task should stop running.' }),
    parameters: t.string({
      required: true,
      description: 'The parameters for the task. They must parse as `contentType` and are passed on unchanged.',
    }),
    contentType: t.field({
      type: enums.ParametersContentType,
      required: true,
      description: 'The format of `parameters`.',
    }),
    notification: t.field({
      type: enums.TaskNotification,
      description: 'What the task should send back to the user.',
    }),
  };
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

/** Adds createAccountTask and tryCreateAccountTask. Returns the result of the latter. */
export function addCreateAccountTask(builder: Builder, CreateAccountTaskInput: CreateAccountTaskInputRef) {
  builder.objectType('Identification', {
    description: 'The user that the service identified as the caller.',
    fields: (t) => ({
      userId: t.string({ description: "The user's ID at the service.", resolve: ({ UserId }) => UserId }),
    }),
  });
  builder.objectType('CreateAccountTaskPayload', {
    description: 'The result of a create that succeeded.',
    fields: (t) => ({
      accountTask: t.expose('accountTask', {
        type: 'AccountTask',
        nullable: false,
        description: 'The task that was registered.',
      }),
      replayed: t.exposeBoolean('replayed', {
        nullable: false,
        description: 'True if this is the stored result of an earlier create with the same idempotencyKey.',
      }),
    }),
  });
  addEnvelopeFields(builder, 'CreateAccountTaskPayload');
  return addWrite(builder, 'create', {
    description:
      "Registers a task on the caller's account. The gateway never repeats it silently. A failure says in `extensions.outcome` " +
      'what happened to the task: NOT_SENT (nothing left the gateway), REJECTED (the service answered and did not create it) ' +
      'or UNKNOWN (no trustworthy answer arrived, so the task may exist).',
    args: builder.args((t) => ({
      input: t.field({ type: CreateAccountTaskInput, required: true, description: 'The task to register.' }),
    })),
    key: CREATE_KEY,
    toInput: ({ input }) => toNewAccountTask('input', input),
  });
}
