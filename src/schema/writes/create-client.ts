import { badInput } from '../../contract/failure.ts';
import { GUID_FORMS, parseGuid } from '../../contract/text-formats.ts';
import type { Builder } from '../builder.ts';
import { addWrite } from './write-field.ts';

export function addCreateClient(builder: Builder): void {
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
