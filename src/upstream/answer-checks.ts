import type { CreatedAccountTask, NewAccountTask } from '../contract/account-task.ts';
import { TaskFailure } from '../contract/failure.ts';

/**
 * The failure of an answer that belongs to another request; null when it names the TaskID that was sent.
 * That the service repeats the TaskID is this project's assumption, so the check can be turned off.
 */
export function findOtherTask(sent: NewAccountTask, { accountTask }: CreatedAccountTask): TaskFailure | null {
  if (accountTask.TaskID === sent.TaskID) return null;
  return new TaskFailure(
    { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN' },
    "The service's answer names another TaskID than the one that was sent, so it may belong to another request. " +
      'The task may have been created. UPSTREAM_CHECK_TASK_ID=off turns this check off.',
  );
}

/** The fields that a caller's own text should come back in unchanged, and in which the answer has another. */
export function changedFields(
  sent: NewAccountTask,
  { accountTask: { fields } }: CreatedAccountTask,
): readonly ('Parameters' | 'ContentType')[] {
  return ECHOED.filter((field) => isOther(fields[field], sent[field]));
}

const ECHOED = ['Parameters', 'ContentType'] as const;

function isOther(received: string | null | undefined, sent: string): boolean {
  return received !== null && received !== undefined && received !== sent;
}
