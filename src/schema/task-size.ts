import { type AccountTask, DETAIL_FIELDS, type DetailField } from '../contract/account-task.ts';
import { type AnswerBudget, leafSize, shortDetail } from './answer-budget.ts';
import { jsonSize } from './json-size.ts';

/** How often the answer holds each field of a task, by the field's name. */
export type FieldCounts = ReadonlyMap<string, number>;

const NOTHING: FieldCounts = new Map();
/** Longer texts are worth dropping where nobody asks for them. */
const LONG = 1_024;
/** An ID, an enum or a cursor, its name included. */
const OTHER_FIELD_BYTES = 512;

/** The texts of a Detail, by the name of their GraphQL field. */
const TEXTS: ReadonlyMap<string, DetailField> = new Map(
  (Object.keys(DETAIL_FIELDS) as DetailField[])
    .filter((field) => DETAIL_FIELDS[field] === 'text' || DETAIL_FIELDS[field] === 'date')
    .map((field) => [field[0]?.toLowerCase() + field.slice(1), field]),
);
const NAMES: ReadonlyMap<string, string> = new Map([...TEXTS].map(([name, field]) => [field, name]));

/** The bytes that the answer takes for one more task of which these fields are asked, at the most. */
export function answerSize(task: AccountTask, fieldCounts: FieldCounts): number {
  let bytes = 0;
  for (const [name, count] of fieldCounts) {
    const field = TEXTS.get(name);
    if (name === 'detail') bytes += count * leafSize(task.detail);
    else bytes += count * (field ? leafSize(task.fields[field]) : OTHER_FIELD_BYTES);
  }
  return bytes;
}

/** The bytes that a task holds in memory, about. */
export function heldSize({ fields, detail }: AccountTask): number {
  return Math.max(jsonSize(fields), jsonSize(detail));
}

/** The task without the long texts that nobody asks for. */
export function withoutUnrequested(task: AccountTask, fieldCounts: FieldCounts): AccountTask {
  if (fieldCounts.has('detail')) return task;
  const kept = Object.entries(task.fields).filter(
    ([field, value]) => !isLong(value) || fieldCounts.has(NAMES.get(field) ?? ''),
  );
  return { ...task, fields: Object.fromEntries(kept), detail: {} };
}

/** The bytes that the answer takes for the task without its long texts, at the most. */
export function shortAnswerSize(task: AccountTask, fieldCounts: FieldCounts): number {
  return answerSize({ ...withoutUnrequested(task, NOTHING), detail: shortDetail(task.detail) }, fieldCounts);
}

/** The task without its long texts; in the answer an error stands for each. */
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
