import type { CreateOutcome } from './create-account-task.ts';
import type { CreateFailure } from './create-failure.ts';
import type { Submission } from './submission.ts';

/** An outcome in words for a person. */
export interface OutcomeText {
  readonly title: string;
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'unsure';
}

/** Returns the text for the outcome of the last try. `before` is the submission before that try. */
export function toOutcomeText(outcome: CreateOutcome, before: Submission): OutcomeText {
  if (outcome.kind === 'failed') return toFailureText(outcome.failure, before);
  return outcome.payload.replayed
    ? {
        tone: 'good',
        title: 'The task was created',
        text: 'An earlier try had created it. Asking again did not create a second one.',
      }
    : { tone: 'good', title: 'The task was created', text: 'It was created just now.' };
}

function toFailureText(failure: CreateFailure, before: Submission): OutcomeText {
  const { outcome, retryable, code } = failure;
  if (code === 'IDEMPOTENCY_IN_PROGRESS')
    return {
      tone: 'unsure',
      title: 'An earlier try is still under way',
      text: 'Ask again in a moment: it cannot be created twice.',
    };
  if (outcome === 'UNKNOWN') return toUnknownText(failure, before);
  if (outcome === 'REJECTED')
    return {
      tone: 'bad',
      title: 'The task was refused, and not created',
      text: retryable ? `${failure.message} Try again in a moment.` : toReason(failure),
    };
  if (before.mayExist)
    return {
      tone: 'unsure',
      title: 'Whether the task was created is still not known',
      text: `This time nothing was sent, which says nothing of the try before. ${failure.message}`,
    };
  return {
    tone: 'bad',
    title: 'Nothing was sent, and nothing was created',
    text: retryable ? `${failure.message} You can safely try again.` : failure.message,
  };
}

function toUnknownText(failure: CreateFailure, before: Submission): OutcomeText {
  if (before.failure?.code === failure.code && failure.code !== 'NO_ANSWER')
    return {
      tone: 'unsure',
      title: 'Whether the task was created is still not known',
      text:
        'The gateway has not sent it again and keeps to its answer. ' +
        `Have somebody look for the task before you create another. ${failure.message}`,
    };
  return {
    tone: 'unsure',
    title: 'It is not known whether the task was created',
    text: `${failure.message} You can safely ask again: it cannot be created twice.`,
  };
}

/** The service's reason, with its code for support. */
function toReason({ message, errorCode }: CreateFailure): string {
  return errorCode ? `${message} (${errorCode})` : message;
}
