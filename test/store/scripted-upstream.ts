import { type CreatedAccountTask, type NewAccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../src/contract/json-value.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

/** Creates the result of a create. Its Detail has a number whose digits a JavaScript number cannot hold. */
export function createdTask(id: string = SAMPLE_DETAIL.ID): CreatedAccountTask {
  const detail = {
    ...SAMPLE_DETAIL,
    ID: id,
    ...(parseJsonKeepingDigits('{"Cost":12345678901234567890.10}') as JsonObject),
  };
  const accountTask = readAccountTask(detail, 'Detail');
  if ('at' in accountTask) throw new Error(accountTask.at);
  return { accountTask, Identification: { UserId: 'u' }, Result: 'ok', replayed: false };
}

/** Creates a service whose creates return the `answers` in turn. It collects what was sent to it. */
export function scriptedUpstream(...answers: readonly (() => Promise<CreatedAccountTask>)[]) {
  const sent: NewAccountTask[] = [];
  const tasks = partialTaskService({
    create: (task) => {
      sent.push(task);
      return answers[sent.length - 1]?.() ?? Promise.resolve(createdTask());
    },
  });
  return { tasks, sent };
}

/** Summarizes a create as `created`, `replayed`, or the code and outcome of its failure. */
export function resultOf(promise: Promise<CreatedAccountTask>): Promise<unknown> {
  return promise.then(
    ({ replayed }) => (replayed ? 'replayed' : 'created'),
    (error: unknown) => (error instanceof TaskFailure ? `${error.code} ${error.outcome}` : error),
  );
}
