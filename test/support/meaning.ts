import type { CreatedAccountTask } from '../../src/contract/account-task.ts';
import { type AnswerBody, interpretAnswer } from '../../src/contract/envelope.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import { OPERATIONS } from '../../src/contract/operations.ts';
import type { WriteInput, WriteName, WriteResult } from '../../src/contract/task-service.ts';
import type { JsonValue } from '../../src/contract/json-value.ts';
import { TASK } from './contract-samples.ts';

/** The meaning of an answer: the created task, or the failure that `interpretAnswer` threw. */
export type Meaning = CreatedAccountTask | TaskFailure;

/** The TaskID of the request that the answer belongs to. */
export const SENT_TASK_ID = '11111111-2222-4333-8444-555555555555';

/** `interpretAnswer` of a create, but a TaskFailure is returned. */
export function meaningOf(status: number, body: AnswerBody): Meaning {
  return meaningOfWrite('create', status, body, { ...TASK, TaskID: SENT_TASK_ID });
}

/** The same of any write. */
export function meaningOfWrite<Name extends WriteName>(
  name: Name,
  status: number,
  body: AnswerBody,
  input: WriteInput<Name>,
): WriteResult<Name> | TaskFailure {
  try {
    return interpretAnswer(OPERATIONS[name], status, body, input);
  } catch (error) {
    if (error instanceof TaskFailure) return error;
    throw error;
  }
}

/** The body of an answer that was parsed as `value`. */
export function tree(value: JsonValue): AnswerBody {
  return { kind: 'tree', tree: value };
}
