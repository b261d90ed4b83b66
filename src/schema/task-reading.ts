import type { AccountTask } from '../contract/account-task.ts';
import type { AccountTaskPage, Call, PageRequest, TaskService, WriteOutcome } from '../contract/task-service.ts';
import type { AnswerBudget } from './answer-budget.ts';
import {
  answerSize,
  type FieldCounts,
  heldSize,
  shortAnswerSize,
  withoutLongTexts,
  withoutUnrequested,
} from './task-size.ts';

/** The backend to read from, and the bytes that the answer may still take. */
export interface TaskReader {
  readonly tasks: TaskService;
  readonly answer: AnswerBudget;
}

/** A page whose tasks fit in the answer. */
export interface AnsweredPage extends AccountTaskPage {
  /** The task after which the page starts. */
  readonly after: string | null;
  /** The bytes charged in advance for its tasks. */
  reservedBytes: number;
}

/** The bytes of text that are read from the database at a time. */
const SLICE_BYTES = 1_048_576;

/**
 * Reads a page slice by slice and ends it before the task that would exceed the budget of the answer. A first task that is too
 * large for any answer is returned without its long texts; one that only lacks room in this answer is left to the next page.
 */
export async function readPage(
  { first, after }: PageRequest,
  call: Call,
  { tasks: service, answer }: TaskReader,
  fieldCounts: FieldCounts,
): Promise<AnsweredPage> {
  const tasks: AccountTask[] = [];
  let reservedBytes = 0;
  const toPage = async (hasNextPage: boolean): Promise<AnsweredPage> => {
    await answer.waitToWrite(reservedBytes);
    return { tasks, hasNextPage, after, reservedBytes };
  };
  const add = (task: AccountTask, bytes: number): boolean => {
    if (!answer.take(bytes)) return false;
    reservedBytes += bytes;
    tasks.push(task);
    return true;
  };
  const addWithoutLongTexts = (task: AccountTask): boolean =>
    add(withoutLongTexts(task, answer), shortAnswerSize(task, fieldCounts));
  for (let last = after; ; ) {
    const slice = await service.list({ first: first - tasks.length, after: last, maxBytes: SLICE_BYTES }, call);
    for (const [index, task] of slice.tasks.entries()) {
      const bytes = answerSize(task, fieldCounts);
      if (add(withoutUnrequested(task, fieldCounts), bytes)) continue;
      const isOnlyTask = tasks.length === 0 && bytes > answer.maxBytes && addWithoutLongTexts(task);
      return toPage(!isOnlyTask || slice.hasNextPage || index + 1 < slice.tasks.length);
    }
    last = slice.tasks.at(-1)?.ID ?? null;
    if (!slice.hasNextPage || tasks.length >= first || last === null) return toPage(slice.hasNextPage);
    await answer.exclusiveTurn();
  }
}

/** Finds tasks by ID slice by slice. A task that exceeds the budget of the answer becomes an error. */
export async function findTasks(
  ids: readonly string[],
  call: Call,
  { tasks: service, answer }: TaskReader,
  fieldCounts: FieldCounts,
): Promise<readonly (AccountTask | null | Error)[]> {
  const found = new Map<string, AccountTask | null>();
  let heldBytes = 0;
  const keep = (id: string, task: AccountTask | null): boolean => {
    const kept = task && withoutUnrequested(task, fieldCounts);
    const bytes = kept ? heldSize(kept) : 0;
    if (!answer.take(bytes)) return false;
    heldBytes += bytes;
    found.set(id, kept);
    return true;
  };
  for (let rest = ids; rest.length > 0; ) {
    const slice = await service.find(rest, call, SLICE_BYTES);
    const isRoomLeft = slice.every((task, index) => task === undefined || keep(rest[index] ?? '', task));
    rest = isRoomLeft ? rest.filter((_, index) => slice[index] === undefined) : [];
    if (rest.length > 0) await answer.exclusiveTurn();
  }
  await answer.waitToWrite(heldBytes);
  // From here on the values of the tasks are charged as they are written.
  answer.release(heldBytes);
  return ids.map((id) => found.get(id) ?? (found.has(id) ? null : answer.tooLargeError()));
}

/** Finds outcomes by key one after the other. A task that exceeds the budget of the answer loses its long texts. */
export async function findOutcomes(
  keys: readonly string[],
  call: Call,
  { tasks: service, answer }: TaskReader,
  fieldCounts: FieldCounts,
): Promise<readonly (WriteOutcome | null | Error)[]> {
  let heldBytes = 0;
  const find = async (key: string): Promise<WriteOutcome | null> => {
    const outcome = await service.findOutcome(key, call);
    if (!outcome?.accountTask) return outcome;
    const accountTask = withoutUnrequested(outcome.accountTask, fieldCounts);
    const bytes = heldSize(accountTask);
    if (!answer.take(bytes)) return { ...outcome, accountTask: withoutLongTexts(accountTask, answer) };
    heldBytes += bytes;
    return { ...outcome, accountTask };
  };
  const outcomes: (WriteOutcome | null | Error)[] = [];
  for (const key of keys) outcomes.push(await find(key).catch((error: unknown) => error as Error));
  await answer.waitToWrite(heldBytes);
  answer.release(heldBytes);
  return outcomes;
}
