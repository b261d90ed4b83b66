import { createHash } from 'node:crypto';
import type { AccountTask } from '../contract/account-task.ts';
import { badInput } from '../contract/failure.ts';
import type { AccountTaskFilter, AccountTaskOrder, Call, TaskService, WriteOutcome } from '../contract/task-service.ts';
import { parseGuid } from '../contract/text-formats.ts';
import type { AnswerBudget } from './answer-budget.ts';
import {
  answerSize,
  createHeldTasks,
  type FieldCounts,
  shortAnswerSize,
  withoutLongTexts,
  withoutUnrequested,
} from './task-size.ts';

/** The backend to read from, and the bytes that the answer may still take. */
export interface TaskReader {
  readonly tasks: TaskService;
  readonly answer: AnswerBudget;
}

/** A list of account tasks, which its cursors name. */
export interface TaskList {
  readonly order: AccountTaskOrder;
  readonly filter: AccountTaskFilter;
}

/** A request for a page, which is read from one end of the list or from the other. */
export interface ListPageRequest extends TaskList {
  readonly size: number;
  /** True for the last tasks before `before`, false for the first ones after `after`. */
  readonly isBackward: boolean;
  readonly after: string | null;
  readonly before: string | null;
}

/** A page whose tasks fit in the answer. */
export interface AnsweredPage {
  readonly list: TaskList;
  readonly tasks: readonly AccountTask[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** The IDs of the tasks before and after which the list continues. */
  readonly startId: string | null;
  readonly endId: string | null;
  readonly totalCount: number | null;
  /** The bytes charged in advance for its tasks. */
  reservedBytes: number;
}

/** The bytes of text that are read from the database at a time. */
const SLICE_BYTES = 1_048_576;
/** The slices of one page with a filter, which may contain no task that matches. */
const MAX_FILTERED_SLICES = 10;

/**
 * Reads a page slice by slice and ends it before the task that would exceed the budget of the answer. A first task that is too
 * large for any answer is returned without its long texts; one that only lacks room in this answer is left to the next page.
 */
export async function readPage(
  request: ListPageRequest,
  call: Call,
  { tasks: service, answer }: TaskReader,
  fieldCounts: FieldCounts,
): Promise<AnsweredPage> {
  const { size, filter } = request;
  const { start, ...direction } = toDirection(request);
  const isFiltered = Object.values(filter).some((condition) => condition !== undefined);
  const tasks: AccountTask[] = [];
  let reservedBytes = 0;
  let totalCount: number | null = null;
  /** The ID of the last task that was looked at. */
  let last = start;
  const toPage = async (hasMore: boolean): Promise<AnsweredPage> => {
    await answer.waitToWrite(reservedBytes);
    const end = hasMore ? last : (tasks.at(-1)?.ID ?? null);
    return { ...toAnsweredPage(request, tasks, hasMore, end), totalCount, reservedBytes };
  };
  const add = (task: AccountTask, bytes: number): boolean => {
    if (!answer.take(bytes)) return false;
    reservedBytes += bytes;
    tasks.push(task);
    last = task.ID;
    return true;
  };
  const addWithoutLongTexts = (task: AccountTask): boolean =>
    add(withoutLongTexts(task, answer), shortAnswerSize(task, fieldCounts));
  for (let slices = 1; ; slices += 1) {
    const isCounted = slices === 1 && fieldCounts.has('totalCount');
    const first = size - tasks.length;
    const slice = await service.list(
      { ...direction, filter, first, after: last, isCounted, maxBytes: SLICE_BYTES },
      call,
    );
    if (isCounted) totalCount = slice.totalCount ?? null;
    for (const [index, task] of slice.tasks.entries()) {
      const bytes = answerSize(task, fieldCounts);
      if (add(withoutUnrequested(task, fieldCounts), bytes)) continue;
      const isOnlyTask = tasks.length === 0 && bytes > answer.maxBytes && addWithoutLongTexts(task);
      return toPage(!isOnlyTask || slice.hasNextPage || index + 1 < slice.tasks.length);
    }
    last = slice.resumeAfter ?? last;
    const isLastSlice = tasks.length >= size || (isFiltered && slices >= MAX_FILTERED_SLICES);
    if (!slice.hasNextPage || isLastSlice) return toPage(slice.hasNextPage);
    await answer.exclusiveTurn();
  }
}

/** Reads the last tasks of a list as the first ones of the opposite order. */
function toDirection({ order, isBackward, after, before }: ListPageRequest) {
  if (!isBackward) return { order, start: after, before };
  return { order: order === 'NEWEST_FIRST' ? 'OLDEST_FIRST' : 'NEWEST_FIRST', start: before, before: after } as const;
}

/** Puts the tasks that were read in the order of the list. `end` is the ID of the task at which reading ended. */
function toAnsweredPage(
  { order, filter, isBackward, after, before }: ListPageRequest,
  read: readonly AccountTask[],
  hasMore: boolean,
  end: string | null,
): Omit<AnsweredPage, 'totalCount' | 'reservedBytes'> {
  const list = { order, filter };
  const begin = read[0]?.ID ?? null;
  return isBackward
    ? {
        list,
        tasks: read.toReversed(),
        hasNextPage: before !== null,
        hasPreviousPage: hasMore,
        startId: end,
        endId: begin,
      }
    : { list, tasks: read, hasNextPage: hasMore, hasPreviousPage: after !== null, startId: begin, endId: end };
}

const CURSOR_TYPE = 'AccountTask';

/** Makes the cursor of a task: its ID and, unless it is the list without a filter that callers get by default, what names the list. */
export function toCursor(id: string, list: TaskList): string {
  return Buffer.from(`${CURSOR_TYPE}:${id}${toSuffix(list)}`, 'latin1').toString('base64');
}

/** Returns the ID of a cursor's task. @throws TaskFailure (BAD_USER_INPUT) if the cursor is not one of this list. */
export function fromCursor(argument: 'after' | 'before', cursor: string, list: TaskList): string {
  const text = Buffer.from(cursor, 'base64').toString('latin1');
  const [, type, guid = '', suffix] = /^(\w+):([^:]+)(.*)$/s.exec(text) ?? [];
  const id = type === CURSOR_TYPE ? parseGuid(guid) : null;
  if (id === null) throw badInput(argument, `expected a cursor that accountTasks returned, got "${cursor}"`);
  if (suffix !== toSuffix(list))
    throw badInput(argument, `expected a cursor of a list with the same filter and order, got "${cursor}"`);
  return id;
}

function toSuffix({ order, filter }: TaskList): string {
  const conditions = JSON.stringify(filter);
  if (conditions === '{}') return order === 'NEWEST_FIRST' ? '' : `:${order}`;
  return `:${order}:${createHash('sha256').update(conditions).digest('base64url').slice(0, 16)}`;
}

/** Finds tasks by ID slice by slice. A task that exceeds the budget of the answer becomes an error. */
export async function findTasks(
  ids: readonly string[],
  call: Call,
  { tasks: service, answer }: TaskReader,
  fieldCounts: FieldCounts,
): Promise<readonly (AccountTask | null | Error)[]> {
  const found = new Map<string, AccountTask | null>();
  const held = createHeldTasks(answer, fieldCounts);
  const keep = (id: string, task: AccountTask | null): boolean => {
    const kept = task && held.tryHold(task);
    if (task && !kept) return false;
    found.set(id, kept);
    return true;
  };
  for (let rest = ids; rest.length > 0; ) {
    const slice = await service.find(rest, call, SLICE_BYTES);
    const isRoomLeft = slice.every((task, index) => task === undefined || keep(rest[index] ?? '', task));
    rest = isRoomLeft ? rest.filter((_, index) => slice[index] === undefined) : [];
    if (rest.length > 0) await answer.exclusiveTurn();
  }
  await held.release();
  return ids.map((id) => found.get(id) ?? (found.has(id) ? null : answer.tooLargeError()));
}

/** Finds outcomes by key one after the other. A task that exceeds the budget of the answer loses its long texts. */
export async function findOutcomes(
  keys: readonly string[],
  call: Call,
  { tasks: service, answer }: TaskReader,
  fieldCounts: FieldCounts,
): Promise<readonly (WriteOutcome | null | Error)[]> {
  const held = createHeldTasks(answer, fieldCounts);
  const find = async (key: string): Promise<WriteOutcome | null> => {
    const outcome = await service.findOutcome(key, call);
    return outcome?.accountTask ? { ...outcome, accountTask: held.hold(outcome.accountTask) } : outcome;
  };
  const outcomes: (WriteOutcome | null | Error)[] = [];
  for (const key of keys) outcomes.push(await find(key).catch((error: unknown) => error as Error));
  await held.release();
  return outcomes;
}
