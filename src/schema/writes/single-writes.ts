import type { NewAccountTask } from '../../contract/account-task.ts';
import { badInput } from '../../contract/failure.ts';
import { GUID_FORMS, parseGuid } from '../../contract/text-formats.ts';
import { parseGuidArgument } from '../account-task-type.ts';
import type { Builder, InputFields } from '../builder.ts';
import type { Enums } from '../leaf-types.ts';
import { addEnvelopeFields, addWrite } from './write-field.ts';

export const CREATE_KEY =
  '1 to 255 characters. The same key with the same input creates one task, however often it is sent; repeats return the first ' +
  'result. The same key with another input is refused.';

export type CreateAccountTaskInputRef = ReturnType<typeof addCreateAccountTaskInput>;

/** Adds the writes of one task or client. Returns the input and the result of a create, which the batch has too. */
export function addSingleWrites(builder: Builder, enums: Enums) {
  builder.objectType('Identification', {
    description: 'The user that the service identified as the caller.',
    fields: (t) => ({
      userId: t.string({ description: "The user's ID at the service.", resolve: ({ UserId }) => UserId }),
    }),
  });
  const CreateAccountTaskInput = addCreateAccountTaskInput(builder, enums);
  addUpdateAccountTask(builder, enums);
  addRunAccountTask(builder);
  addCreateClient(builder);
  return { CreateAccountTaskInput, CreateAccountTaskResult: addCreateAccountTask(builder, CreateAccountTaskInput) };
}

function addCreateAccountTaskInput(builder: Builder, enums: Enums) {
  return builder.inputType('CreateAccountTaskInput', {
    description: 'The task to register. It is checked completely before anything is sent or stored.',
    fields: (t) => taskFields(t, enums),
  });
}

/** The fields of a task that a create sets and an update replaces. */
function taskFields(t: InputFields, enums: Enums) {
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

function addCreateAccountTask(builder: Builder, CreateAccountTaskInput: CreateAccountTaskInputRef) {
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

function addUpdateAccountTask(builder: Builder, enums: Enums): void {
  const UpdateAccountTaskInput = builder.inputType('UpdateAccountTaskInput', {
    description: 'The new state of the task. It replaces every field: an optional field that is not given is cleared.',
    fields: (t) => ({
      enabled: t.boolean({ required: true, description: 'True to enable the task, false to switch it off.' }),
      ...taskFields(t, enums),
    }),
  });
  builder.objectType('UpdateAccountTaskPayload', {
    description: 'The result of an update that succeeded.',
    fields: (t) => ({
      accountTask: t.expose('accountTask', {
        type: 'AccountTask',
        nullable: true,
        description: "The updated task; null if the service's answer does not show it.",
      }),
    }),
  });
  addEnvelopeFields(builder, 'UpdateAccountTaskPayload');
  addWrite(builder, 'update', {
    description:
      "Replaces a task on the caller's account, and so also switches it on or off. The gateway never repeats it silently. An update " +
      'of UNKNOWN outcome can be sent again: it ends in the same state, but it may overwrite a later change.',
    args: builder.args((t) => ({
      id: t.id({ required: true, description: 'The account task: a GUID in format N, D, B or P, in any case.' }),
      input: t.field({ type: UpdateAccountTaskInput, required: true, description: 'The new state of the task.' }),
      ifModified: t.field({
        type: 'DateTime',
        description:
          'The `dateModified` that the task must still have, exact to 100 ns; with another one the update fails with CONFLICT. ' +
          'Refused in upstream mode, because the service cannot check it.',
      }),
    })),
    toInput: ({ id, input, ifModified }) => ({
      id: parseGuidArgument('id', id),
      enabled: input.enabled,
      task: toNewAccountTask('input', input),
      ifModified: ifModified ?? null,
    }),
  });
}

function addRunAccountTask(builder: Builder): void {
  builder.objectType('RunAccountTaskPayload', {
    description: 'The result of a run that was started.',
    fields: (t) => ({
      accountTaskId: t.exposeID('id', { nullable: false, description: 'The task that was run.' }),
      replayed: t.exposeBoolean('replayed', {
        nullable: false,
        description: 'True if this is the stored result of an earlier run with the same idempotencyKey.',
      }),
    }),
  });
  addEnvelopeFields(builder, 'RunAccountTaskPayload');
  addWrite(builder, 'run', {
    description:
      "Runs a task on the caller's account now. The gateway never repeats it silently. Where the gateway itself keeps the tasks, " +
      'nothing runs them, and the failure is NOT_SUPPORTED.',
    args: builder.args((t) => ({
      id: t.id({ required: true, description: 'The account task: a GUID in format N, D, B or P, in any case.' }),
    })),
    key:
      '1 to 255 characters. The same key for the same task runs it once, however often it is sent; repeats return the first ' +
      'result. The same key for another task, or a key of a create, is refused.',
    toInput: ({ id }) => ({ id: parseGuidArgument('id', id) }),
  });
}

function addCreateClient(builder: Builder): void {
  const CreateClientInput = builder.inputType('CreateClientInput', {
    description: 'The API client to add.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'The name of the client: 1 to 18 characters.' }),
      userId: t.id({ required: true, description: 'The account: a GUID in format N, D, B or P, in any case.' }),
      secret: t.string({ description: 'At most 50 characters. The gateway makes a secret if none is given.' }),
    }),
  });
  builder.objectType('CreateClientPayload', {
    description: 'The result of adding a client.',
    fields: (t) => ({
      client: t.field({
        type: 'Client',
        nullable: false,
        description: 'The client that was added.',
        resolve: ({ id }) => ({ id }),
      }),
      secret: t.exposeString('Secret', {
        nullable: true,
        description: 'The secret of the client. It is shown here once, and nowhere else.',
      }),
    }),
  });
  addWrite(builder, 'createClient', {
    description:
      'Adds an API client to an account, which needs one before it can register tasks. The gateway never repeats it silently. If ' +
      'the outcome is UNKNOWN, a client may exist whose secret nobody has: add another one.',
    args: builder.args((t) => ({
      input: t.field({ type: CreateClientInput, required: true, description: 'The client to add.' }),
    })),
    toInput({ input: { name, userId, secret } }) {
      const UserID = parseGuid(userId);
      // Does not quote it, because it may be a secret in the wrong field.
      if (UserID === null) throw badInput('input.userId', `expected ${GUID_FORMS}`);
      return { Name: name, UserID, Secret: secret ?? null };
    },
  });
}
