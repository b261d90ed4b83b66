import { type AccountTask, DETAIL_FIELDS, type DetailField } from '../contract/account-task.ts';
import { jsonSize } from '../contract/json-value.ts';
import { type AnswerBudget, leafSize, shortDetail } from './answer-budget.ts';

/** How many times an answer contains each field of a task, by GraphQL field name. */
export type FieldCounts = ReadonlyMap<string, number>;

const NOTHING: FieldCounts = new Map();
/** Longer texts are dropped unless they are requested. */
const LONG = 1_024;
/** The size of an ID, an enum or a cursor, including its name. */
const OTHER_FIELD_BYTES = 512;

/** The fields of a Detail that are text, by GraphQL field name. */
const TEXTS: ReadonlyMap<string, DetailField> = new Map(
  (Object.keys(DETAIL_FIELDS) as DetailField[])
    .filter((field) => DETAIL_FIELDS[field] === 'text' || DETAIL_FIELDS[field] === 'date')
    .map((field) => [field[0]?.toLowerCase() + field.slice(1), field]),
);
const NAMES: ReadonlyMap<string, string> = new Map([...TEXTS].map(([name, field]) => [field, name]));

/** An upper bound for the bytes of a task in the answer, with these fields requested. */
export function answerSize(task: AccountTask, fieldCounts: FieldCounts): number {
  let bytes = 0;
  for (const [name, count] of fieldCounts) {
    const field = TEXTS.get(name);
    if (name === 'detail') bytes += count * leafSize(task.detail);
    else bytes += count * (field ? leafSize(task.fields[field]) : OTHER_FIELD_BYTES);
  }
  return bytes;
}

/** Charges the tasks that wait for others, by their approximate size in memory, to the answer. */
export function createHeldTasks(answer: AnswerBudget, fieldCounts: FieldCounts) {
  let heldBytes = 0;
  const tryHold = (task: AccountTask): AccountTask | null => {
    const kept = withoutUnrequested(task, fieldCounts);
    const bytes = Math.max(jsonSize(kept.fields), jsonSize(kept.detail));
    if (!answer.take(bytes)) return null;
    heldBytes += bytes;
    return kept;
  };
  return {
    /** Returns the task as the answer needs it; null if it exceeds the budget. */
    tryHold,
    /** Returns the task as the answer needs it, without its long texts if it exceeds the budget. */
    hold: (task: AccountTask): AccountTask =>
      tryHold(task) ?? withoutLongTexts(withoutUnrequested(task, fieldCounts), answer),
    /** From here on the values of the tasks are charged as they are written. */
    async release(): Promise<void> {
      await answer.waitToWrite(heldBytes);
      answer.release(heldBytes);
    },
  };
}

/** Returns the task without long texts that were not requested. */
export function withoutUnrequested(task: AccountTask, fieldCounts: FieldCounts): AccountTask {
  if (fieldCounts.has('detail')) return task;
  const kept = Object.entries(task.fields).filter(
    ([field, value]) => !isLong(value) || fieldCounts.has(NAMES.get(field) ?? ''),
  );
  return { ...task, fields: Object.fromEntries(kept), detail: {} };
}

/** An upper bound for the bytes in the answer of the task that `withoutLongTexts` returns. */
export function shortAnswerSize(task: AccountTask, fieldCounts: FieldCounts): number {
  return answerSize({ ...withoutUnrequested(task, NOTHING), detail: shortDetail(task.detail) }, fieldCounts);
}

/** Returns the task without its long texts. Each of them becomes an error in the answer. */
export function withoutLongTexts(task: AccountTask, answer: AnswerBudget): AccountTask {
  const missing = {
    enumerable: true,
    get: () => {
      throw answer.tooLargeError();
    },
  };
  const fields = Object.entries(task.fields).map(
    ([field, value]) => [field, isLong(value) ? missing : { enumerable: true, value }] as const,
  );
  return {
    ...task,
    fields: Object.defineProperties({}, Object.fromEntries(fields)),
    get detail() {
      return answer.shorten(task.detail);
    },
  };
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > LONG;
}
