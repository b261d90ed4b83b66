import { parseGuidArgument } from '../account-task-type.ts';
import type { Builder } from '../builder.ts';
import type { Enums } from '../leaf-types.ts';
import { taskFields, toNewAccountTask } from './create-account-task.ts';
import { addEnvelopeFields, addWrite } from './write-field.ts';

export function addUpdateAccountTask(builder: Builder, enums: Enums): void {
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
