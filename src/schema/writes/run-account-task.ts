import { parseGuidArgument } from '../account-task-type.ts';
import type { Builder } from '../builder.ts';
import { addEnvelopeFields, addWrite } from './write-field.ts';

export function addRunAccountTask(builder: Builder): void {
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
