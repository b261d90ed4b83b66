import type { GraphQLResolveInfo } from 'graphql';
import { type EnumTable, type EnumTables, findMember } from '../contract/enums.ts';
import { badInput } from '../contract/failure.ts';
import type { AccountTaskFilter, AccountTaskOrder } from '../contract/task-service.ts';
import { isEarlier, toUtc } from '../contract/text-formats.ts';
import { parseGuidArgument } from './account-task-type.ts';
import type { Builder } from './builder.ts';
import { toCall } from './context.ts';
import type { Enums } from './leaf-types.ts';
import { countFieldsBelow, rootFields } from './requested-fields.ts';
import { fromCursor, readPage, toCursor } from './task-reading.ts';

export const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
const MAX_PAGES = 10;

export function addAccountTaskConnection(builder: Builder, enums: Enums, { frequencies }: EnumTables): void {
  const filterInput = addAccountTaskFilter(builder, enums);
  const orderEnum = addAccountTaskOrder(builder);
  builder.objectType('AccountTaskConnection', {
    description: 'A page of account tasks, as in the Relay connection specification.',
    fields: (t) => ({
      edges: t.field({
        type: ['AccountTaskEdge'],
        nullable: { list: false, items: false },
        description: 'The tasks of this page, each with its cursor.',
        resolve(page, _, { answer }) {
          // From here on the values of the tasks are charged as they are written.
          answer.release(page.reservedBytes);
          page.reservedBytes = 0;
          return page.tasks.map((task) => ({ task, list: page.list }));
        },
      }),
      pageInfo: t.field({
        type: 'PageInfo',
        nullable: false,
        description: 'The position of this page in the list.',
        resolve: (page) => page,
      }),
      totalCount: t.exposeInt('totalCount', {
        description:
          'The number of tasks that match the filter, counted up to 10,000; null above. Also null if the filter has a condition ' +
          'that no index finds, and more than 10,000 tasks or 20 MB of them would have to be looked at.',
      }),
    }),
  });
  builder.objectType('AccountTaskEdge', {
    description: 'An account task with its cursor.',
    fields: (t) => ({
      cursor: t.string({
        nullable: false,
        description: 'An opaque value. Pass it as `after` or `before`, with the same filter and order.',
        resolve: ({ task, list }) => toCursor(task.ID, list),
      }),
      node: t.field({
        type: 'AccountTask',
        nullable: false,
        description: 'The account task.',
        resolve: ({ task }) => task,
      }),
    }),
  });
  builder.objectType('PageInfo', {
    directives: { shareable: {} },
    description: 'The position of a page in its list, as in the Relay connection specification.',
    fields: (t) => ({
      hasNextPage: t.exposeBoolean('hasNextPage', {
        nullable: false,
        description: 'With `first`: true if more tasks follow. With `last`: true if `before` is given.',
      }),
      hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
        nullable: false,
        description: 'With `last`: true if more tasks precede. With `first`: true if `after` is given.',
      }),
      startCursor: t.string({
        description:
          'The cursor to read the previous page with, as `before`; null if the page is empty and nothing precedes.',
        resolve: ({ startId, list }) => (startId === null ? null : toCursor(startId, list)),
      }),
      endCursor: t.string({
        description:
          'The cursor to read the next page with, as `after`; null if the page is empty and nothing follows.',
        resolve: ({ endId, list }) => (endId === null ? null : toCursor(endId, list)),
      }),
    }),
  });
  builder.queryField('accountTasks', (t) =>
    t.field({
      type: 'AccountTaskConnection',
      nullable: false,
      directives: {
        listSize: {
          assumedSize: DEFAULT_PAGE_SIZE,
          slicingArguments: ['first', 'last'],
          sizedFields: ['edges'],
          // A router with demand control would otherwise refuse a page of the default size.
          requireOneSlicingArgument: false,
        },
      },
      description:
        `The caller's account tasks; a page of ${DEFAULT_PAGE_SIZE} unless first or last says otherwise, ${MAX_PAGE_SIZE} at most. ` +
        "In upstream mode these are the gateway's records of tasks, because the REST service has no read. " +
        'A page ends early if the answer would become too large; hasNextPage or hasPreviousPage then says so, and the list continues from there.',
      args: {
        first: t.arg.int({
          description: 'The number of tasks from the start of the list, or after `after`. Not with `last`.',
        }),
        after: t.arg.string({ description: 'The cursor of the task after which the page starts.' }),
        last: t.arg.int({
          description: 'The number of tasks from the end of the list, or before `before`. Not with `first`.',
        }),
        before: t.arg.string({ description: 'The cursor of the task before which the page ends.' }),
        filter: t.arg({ type: filterInput, description: 'The conditions that the tasks meet.' }),
        order: t.arg({ type: orderEnum, defaultValue: 'NEWEST_FIRST', description: 'The order of the list.' }),
      },
      resolve: async (_, { first, after, last, before, filter, order }, context, info) => {
        limitPages(info);
        const list = { order: order ?? 'NEWEST_FIRST', filter: toFilter(filter, frequencies) };
        const request = {
          ...list,
          size: toPageSize(first, last),
          isBackward: last != null,
          after: after == null ? null : fromCursor('after', after, list),
          before: before == null ? null : fromCursor('before', before, list),
        };
        const selections = info.fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? []);
        return readPage(request, await toCall(context), context, countFieldsBelow(selections, info));
      },
    }),
  );
}

/** A page can contain megabytes of Parameters, so very many pages in one answer would delay every other request. */
function limitPages(info: GraphQLResolveInfo): void {
  const pages = rootFields(info).filter(({ name }) => name.value === 'accountTasks').length;
  if (pages > MAX_PAGES)
    throw badInput('accountTasks', `expected at most ${MAX_PAGES} pages in one request, got ${pages}`);
}

/** Larger pages are refused before the operation runs (graphql/limits). */
function toPageSize(first: number | null | undefined, last: number | null | undefined): number {
  if (first != null && last != null) throw badInput('last', 'expected first or last, got both');
  const size = last ?? first ?? DEFAULT_PAGE_SIZE;
  if (size < 1) throw badInput(last == null ? 'first' : 'last', `expected 1 to ${MAX_PAGE_SIZE}, got ${size}`);
  return size;
}

type AccountTaskFilterRef = ReturnType<typeof addAccountTaskFilter>;

function addAccountTaskFilter(builder: Builder, { TaskFrequency }: Enums) {
  return builder.inputType('AccountTaskFilter', {
    description:
      'The conditions of a list. A task has to meet every one that is given. A list of values matches tasks that have one of them, ' +
      'so an empty list matches no task. `taskIds` and, in store mode, creation times are found by an index. For the others a page ' +
      'looks at up to 2,000 tasks and then ends, perhaps empty; continue from its endCursor while it says hasNextPage.',
    fields: (t) => ({
      taskIds: t.idList({ description: 'IDs of catalogue tasks.' }),
      clientIds: t.idList({ description: 'IDs of the API clients that registered the tasks.' }),
      frequencies: t.field({ type: [TaskFrequency], description: 'How often the tasks run.' }),
      statuses: t.stringList({ description: 'Statuses, exactly as `status` shows them.' }),
      enabled: t.boolean({ description: 'True for tasks that are enabled, false for those that are not.' }),
      createdFrom: t.field({ type: 'DateTime', description: 'Tasks whose dateCreated is this time or later.' }),
      createdBefore: t.field({ type: 'DateTime', description: 'Tasks whose dateCreated is earlier than this time.' }),
    }),
  });
}

function addAccountTaskOrder(builder: Builder) {
  return builder.enumType('AccountTaskOrder', {
    description:
      'The order of a list: by creation in store mode, in upstream mode by when the gateway recorded the task.',
    values: {
      NEWEST_FIRST: { description: 'The newest task comes first.' },
      OLDEST_FIRST: { description: 'The oldest task comes first.' },
    } satisfies Record<AccountTaskOrder, object>,
  });
}

/** Converts the input to a filter, in one form for every way to write it. @throws TaskFailure (BAD_USER_INPUT). */
function toFilter(
  input: AccountTaskFilterRef['$inferInput'] | null | undefined,
  frequencies: EnumTable,
): AccountTaskFilter {
  const { createdFrom, createdBefore } = input ?? {};
  if (createdFrom != null && createdBefore != null && !isEarlier(createdFrom, createdBefore))
    throw badInput('filter.createdFrom', `expected a time before createdBefore (${createdBefore}), got ${createdFrom}`);
  const toGuids = (name: 'taskIds' | 'clientIds') =>
    toSet(input?.[name]?.map((id, index) => parseGuidArgument(`filter.${name}.${index}`, id)));
  return {
    taskIds: toGuids('taskIds'),
    clientIds: toGuids('clientIds'),
    frequencies: toSet(input?.frequencies)?.flatMap((name) => findMember(frequencies, name) ?? []),
    statuses: toSet(input?.statuses),
    enabled: input?.enabled ?? undefined,
    createdFrom: createdFrom == null ? undefined : toUtc(createdFrom),
    createdBefore: createdBefore == null ? undefined : toUtc(createdBefore),
  };
}

function toSet(texts: readonly string[] | null | undefined): readonly string[] | undefined {
  return texts ? [...new Set(texts)].toSorted() : undefined;
}
