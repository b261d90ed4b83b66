import type { AccountTask, DetailFields } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, findMember } from '../contract/enums.ts';
import { badInput } from '../contract/failure.ts';
import { GUID_FORMS, parseGuid } from '../contract/guid.ts';
import type { Builder } from './builder.ts';
import { type Enums, toContentType } from './leaf-types.ts';
import type { ResolveReference } from './subgraph.ts';

type Text = string | null | undefined;

const resolveReference: ResolveReference = ({ id }, context, info) =>
  context.accountTasks(info).load(parseGuidArgument('id', typeof id === 'string' ? id : ''));

export function addAccountTask(builder: Builder, enums: Enums, tables: EnumTables): void {
  builder.objectType('AccountTask', {
    directives: { key: { fields: 'id' } },
    extensions: { resolveReference },
    description:
      "A task registered on a customer's account. Where a REST service keeps the tasks it is given as of its creation: that service has no read.",
    fields: (t) => {
      const text = (resolve: (task: AccountTask) => Text, description: string) => t.string({ description, resolve });
      const date = (read: (task: AccountTask) => Text, description: string) =>
        t.field({ type: 'DateTime', description, resolve: (task) => blankToNull(read(task)) });
      return {
        id: t.id({ nullable: false, description: 'Hyphenated and lower-case.', resolve: (task) => task.ID }),
        taskId: t.id({
          nullable: false,
          description: 'The task of the catalogue that is registered; hyphenated and lower-case.',
          resolve: (task) => task.TaskID,
        }),
        name: text(({ fields }) => fields.Name, 'The name of the task.'),
        enabled: t.boolean({
          description: 'Whether the task is enabled.',
          resolve: (task) => task.fields.Enabled,
        }),
        frequency: t.field({
          type: enums.TaskFrequency,
          description:
            'How often the task runs. Null where the service gave a value this enum cannot name: see `detail`.',
          resolve: (task) => toName(tables.frequencies, task.fields.Frequency),
        }),
        startDate: date(({ fields }) => fields.StartDate, 'When the task starts to run.'),
        finishDate: date(({ fields }) => fields.FinishDate, 'When the task stops running.'),
        parameters: text(({ fields }) => fields.Parameters, 'The parameters of the task, exactly as they were given.'),
        contentType: t.field({
          type: enums.ParametersContentType,
          description: 'The format `parameters` is in. Null where the service gave another one: see `detail`.',
          resolve: (task) => toContentType(task.fields.ContentType ?? ''),
        }),
        notification: t.field({
          type: enums.TaskNotification,
          description: 'What the task sends back to the user. Null where this enum cannot name it: see `detail`.',
          resolve: (task) => toName(tables.notifications, task.fields.Notification),
        }),
        dateCreated: date(({ fields }) => fields.DateCreated, 'When the task was registered.'),
        dateModified: date(({ fields }) => fields.DateModified, 'When the registration was last changed.'),
        lastRunOn: date(({ fields }) => fields.LastRunOn, 'When the task last ran.'),
        lastRunBy: text(({ fields }) => fields.LastRunBy, 'Who last ran the task.'),
        lastModifiedBy: text(({ fields }) => fields.LastModifiedBy, 'Who last changed the registration.'),
        status: text(
          ({ fields }) => fields.Status,
          'The status of the task. The REST contract does not document its values.',
        ),
        clientId: t.id({
          description: 'The API client that registered the task; hyphenated and lower-case.',
          resolve: (task) => task.ClientID,
        }),
        detail: t.field({
          type: 'JSON',
          nullable: false,
          description:
            'The Detail exactly as the contract gave it: every field, known or not, and every value an enum above cannot name. ' +
            'Where the answer has no room for it, only its short fields, and the answer has an error that says so.',
          resolve: (task) => task.detail,
        }),
        task: t.field({
          type: 'Task',
          nullable: false,
          description: 'The task of the catalogue, for other subgraphs to extend.',
          resolve: (task) => ({ id: task.TaskID }),
        }),
        client: t.field({
          type: 'Client',
          description: 'The API client, for other subgraphs to extend.',
          resolve: (task) => (task.ClientID === null ? null : { id: task.ClientID }),
        }),
      };
    },
  });
  builder.queryField('accountTask', (t) =>
    t.field({
      type: 'AccountTask',
      description: "One of the caller's account tasks; null where the caller has none of that ID.",
      args: { id: t.arg.id({ required: true, description: 'A GUID in the forms N, D, B or P, any case.' }) },
      resolve: (_, { id }, context, info) => context.accountTasks(info).load(parseGuidArgument('id', id)),
    }),
  );
}

/** Returns a GUID argument hyphenated and lower-case. Throws BAD_USER_INPUT that names the field if it is not a GUID. */
export function parseGuidArgument(field: string, text: string): string {
  const guid = parseGuid(text);
  if (guid === null) throw badInput(field, `expected ${GUID_FORMS}, got "${text}".`);
  return guid;
}

function toName(table: EnumTable, value: DetailFields['Frequency']): string | null {
  return findMember(table, value)?.name ?? null;
}

function blankToNull(text: Text): string | null {
  return text?.trim() ? text : null;
}
