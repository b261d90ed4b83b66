import type { CreatedAccountTask } from '../../src/contract/account-task.ts';
import { type AnswerBody, interpretAnswer } from '../../src/contract/envelope.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { JsonValue } from '../../src/contract/json-value.ts';

/** The meaning of an answer: the created task, or the failure that `interpretAnswer` threw. */
export type Meaning = CreatedAccountTask | TaskFailure;

/** The TaskID of the request that the answer belongs to. */
export const SENT_TASK_ID = '11111111-2222-4333-8444-555555555555';

/** `interpretAnswer`, but a TaskFailure is returned. */
export function meaningOf(status: number, body: AnswerBody): Meaning {
  try {
    return interpretAnswer(status, body, SENT_TASK_ID);
  } catch (error) {
    if (error instanceof TaskFailure) return error;
    throw error;
  }
}

/** The body of an answer that was parsed as `value`. */
export function tree(value: JsonValue): AnswerBody {
  return { kind: 'tree', tree: value };
}
