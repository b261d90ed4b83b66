import type { Builder } from './builder.ts';

/** What an account task points at and other subgraphs know more about. */
export function addReferences(builder: Builder): void {
  const reference = {
    key: builder.keyDirective(builder.selection<{ id: string }>('id'), false),
    resolveReference: (representation: { readonly id: string }) => representation,
  };
  const Task = builder.objectType('Task', {
    description: 'A task of the catalogue, which account tasks register for an account.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The TaskID, hyphenated and lower-case.' }),
    }),
  });
  const Client = builder.objectType('Client', {
    description: 'An API client of an account.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The ClientID, hyphenated and lower-case.' }),
    }),
  });
  builder.asEntity(Task, reference);
  builder.asEntity(Client, reference);
}
