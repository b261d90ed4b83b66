import { type EnumTable, findMember } from '../contract/enums.ts';
import { badInput } from '../contract/failure.ts';
import type { AccountTaskFilter, AccountTaskOrder } from '../contract/task-service.ts';
import { isEarlier, toUtc } from '../contract/text-formats.ts';
import { parseGuidArgument } from './account-task-type.ts';
import type { Builder } from './builder.ts';
import type { Enums } from './leaf-types.ts';

type Given<Value> = Value | null | undefined;

interface FilterInput {
  readonly taskIds?: Given<readonly string[]>;
  readonly clientIds?: Given<readonly string[]>;
  readonly frequencies?: Given<readonly string[]>;
  readonly statuses?: Given<readonly string[]>;
  readonly enabled?: Given<boolean>;
  readonly createdFrom?: Given<string>;
  readonly createdBefore?: Given<string>;
}

export function addAccountTaskFilter(builder: Builder, { TaskFrequency }: Enums) {
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

export function addAccountTaskOrder(builder: Builder) {
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
export function toFilter(input: Given<FilterInput>, frequencies: EnumTable): AccountTaskFilter {
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

function toSet(texts: Given<readonly string[]>): readonly string[] | undefined {
  return texts ? [...new Set(texts)].toSorted() : undefined;
}
