import type { AccountTask, DetailFields } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, findMember } from '../contract/enums.ts';
import { badInput } from '../contract/failure.ts';
import { GUID_FORMS, parseGuid } from '../contract/text-formats.ts';
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
      "A task registered on a customer's account. In upstream mode it shows the task as it was created, because the REST service has no read.",
    fields: (t) => {
      const text = (resolve: (task: AccountTask) => Text, description: string) => t.string({ description, resolve });
      const date = (read: (task: AccountTask) => Text, description: string) =>
        t.field({ type: 'DateTime', description, resolve: (task) => blankToNull(read(task)) });
      return {
        id: t.id({
          nullable: false,
          description: 'The ID of the account task, hyphenated and lower-case.',
          resolve: (task) => task.ID,
        }),
        taskId: t.id({
          nullable: false,
          description: 'The ID of the registered catalogue task, hyphenated and lower-case.',
          resolve: (task) => task.TaskID,
        }),
        name: text(({ fields }) => fields.Name, 'The name of the task.'),
        enabled: t.boolean({
          description: 'True if the task is enabled.',
          resolve: (task) => task.fields.Enabled,
        }),
        frequency: t.field({
          type: enums.TaskFrequency,
          description:
            'How often the task runs. Null if this enum has no member for the value of the service; see `detail`.',
          resolve: (task) => toName(tables.frequencies, task.fields.Frequency),
        }),
        startDate: date(({ fields }) => fields.StartDate, 'When the task starts running.'),
        finishDate: date(({ fields }) => fields.FinishDate, 'When the task stops running.'),
        parameters: text(({ fields }) => fields.Parameters, 'The parameters of the task, exactly as given.'),
        contentType: t.field({
          type: enums.ParametersContentType,
          description: 'The format of `parameters`. Null if the service returned another format; see `detail`.',
          resolve: (task) => toContentType(task.fields.ContentType ?? ''),
        }),
        notification: t.field({
          type: enums.TaskNotification,
          description:
            'What the task sends back to the user. Null if this enum has no member for the value of the service; see `detail`.',
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
          description: 'The ID of the API client that registered the task, hyphenated and lower-case.',
          resolve: (task) => task.ClientID,
        }),
        recordedAt: date(
          ({ recordedAt }) => recordedAt,
          'Upstream mode: when the service last showed this task to the gateway; null in the store.',
        ),
        detail: t.field({
          type: 'JSON',
          nullable: false,
          description:
            "The contract's Detail exactly as returned: all fields, including unknown ones and values that the enums cannot represent. " +
            'If it would make the answer too large, it has only its short fields, and the answer has an error that says so.',
          resolve: (task) => task.detail,
        }),
        task: t.field({
          type: 'Task',
          nullable: false,
          description: 'The catalogue task, which other subgraphs can extend.',
          resolve: (task) => ({ id: task.TaskID }),
        }),
        client: t.field({
          type: 'Client',
          description: 'The API client that registered the task, which other subgraphs can extend.',
          resolve: (task) => (task.ClientID === null ? null : { id: task.ClientID }),
        }),
      };
    },
  });
  builder.queryField('accountTask', (t) =>
    t.field({
      type: 'AccountTask',
      description:
        "One of the caller's account tasks; null if the caller has no task with this ID. " +
        "In upstream mode it is read from the gateway's records.",
      args: { id: t.arg.id({ required: true, description: 'A GUID in format N, D, B or P, in any case.' }) },
      resolve: (_, { id }, context, info) => context.accountTasks(info).load(parseGuidArgument('id', id)),
    }),
  );
}

/** Returns a GUID argument hyphenated and lower-case. Throws BAD_USER_INPUT that names the field if it is not a GUID. */
export function parseGuidArgument(field: string, text: string): string {
  const guid = parseGuid(text);
  if (guid === null) throw badInput(field, `expected ${GUID_FORMS}, got "${text}"`);
  return guid;
}

function toName(table: EnumTable, value: DetailFields['Frequency']): string | null {
  return findMember(table, value)?.name ?? null;
}

function blankToNull(text: Text): string | null {
  return text?.trim() ? text : null;
}
