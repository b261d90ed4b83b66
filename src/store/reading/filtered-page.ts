import type { AccountTask } from '../../contract/account-task.ts';
import {
  type AccountTaskFilter,
  matchesFilter,
  type AccountTaskPage,
  type PageRequest,
} from '../../contract/task-service.ts';
import { exclusiveTurn } from '../../event-loop/exclusive-turn.ts';

/** A list in a database, which finds some conditions of its filter by an index. */
interface IndexedList {
  readonly filter: AccountTaskFilter;
  /** True if no index finds the other conditions, so each task has to be looked at. */
  readonly isSparse: boolean;
  /** Reads tasks that meet the conditions which an index finds, and perhaps others. */
  readonly read: (
    page: Omit<PageRequest, 'order' | 'filter' | 'isCounted'>,
  ) => Promise<{ readonly tasks: readonly AccountTask[]; readonly hasMore: boolean }>;
  /** Counts the tasks with the index; null if that cannot be done. Resolves with null if there are more than `most`. */
  readonly count: ((most: number) => Promise<number | null>) | null;
}

/** The highest number of tasks that are counted. */
const MAX_COUNTED = 10_000;
/** How many tasks a sparse list looks at in one read. */
const SPARSE_ROWS = 200;
const COUNT_SLICES = 20;
const COUNT_SLICE = { first: MAX_COUNTED / COUNT_SLICES, maxBytes: 1_048_576 };

/** Reads a page, and counts the tasks of its list if the request says so. */
export async function readFilteredPage(
  { first, isCounted = false, ...page }: PageRequest,
  list: IndexedList,
): Promise<AccountTaskPage> {
  const { filter, isSparse } = list;
  const [{ tasks, hasMore }, totalCount] = await Promise.all([
    list.read({ ...page, first: isSparse ? Math.max(first, SPARSE_ROWS) : first }),
    isCounted ? countTasks(list) : undefined,
  ]);
  const matching = tasks.filter((task) => matchesFilter(task, filter));
  if (matching.length > first) return { tasks: matching.slice(0, first), hasNextPage: true, totalCount };
  const last = hasMore ? tasks.at(-1)?.ID : undefined;
  const resumeAfter = last === matching.at(-1)?.ID ? undefined : last;
  return { tasks: matching, hasNextPage: hasMore, resumeAfter, totalCount };
}

async function countTasks({ filter, read, count }: IndexedList): Promise<number | null> {
  if (count) return count(MAX_COUNTED);
  let matching = 0;
  for (let slices = 0, after: string | null = null; slices < COUNT_SLICES; slices += 1) {
    const { tasks, hasMore } = await read({ ...COUNT_SLICE, after });
    matching += tasks.filter((task) => matchesFilter(task, filter)).length;
    after = tasks.at(-1)?.ID ?? null;
    if (!hasMore || after === null) return matching;
    await exclusiveTurn();
  }
  return null;
}
