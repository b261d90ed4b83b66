import type { Failure, SubmitResult, Withheld } from '../../../../src/client/account-task-client.ts';

/** An outcome in words for a person. */
export interface OutcomeText {
  readonly title: string;
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'unsure';
}

/** The text for a page that was reloaded before it knew what became of its task. */
export const RELOADED: OutcomeText = {
  tone: 'unsure',
  title: 'It is not known whether the task was created',
  text: 'The page was left before the answer came. You can safely ask again: it cannot be created twice.',
};

/** Returns the text for the result of a try. `isAgain` is true if it was not the first for this task. */
export function toOutcomeText(result: SubmitResult, isAgain: boolean): OutcomeText {
  if (result.kind === 'unknown') return toUnknownText(result.failure, isAgain);
  if (result.kind === 'not-created') return toRefusalText(result.failure);
  return result.replayed
    ? {
        tone: 'good',
        title: 'The task was created',
        text: 'An earlier try had created it. Asking again did not create a second one.',
      }
    : { tone: 'good', title: 'The task was created', text: 'It was created just now.' };
}

function toRefusalText(failure: Failure | Withheld): OutcomeText {
  const { outcome, retryable, message } = failure;
  if (outcome === 'REJECTED')
    return {
      tone: 'bad',
      title: 'The task was refused, and not created',
      text: retryable ? `${message} Try again in a moment.` : toReason(failure),
    };
  return {
    tone: 'bad',
    title: 'Nothing was sent, and nothing was created',
    text: retryable ? `${message} You can safely try again.` : message,
  };
}

function toUnknownText(failure: Failure | Withheld, isAgain: boolean): OutcomeText {
  const { kind, code, outcome, message } = failure;
  if (code === 'IDEMPOTENCY_IN_PROGRESS')
    return {
      tone: 'unsure',
      title: 'An earlier try is still under way',
      text: 'Ask again in a moment: it cannot be created twice.',
    };
  if (outcome === 'NOT_SENT')
    return {
      tone: 'unsure',
      title: 'Whether the task was created is still not known',
      text: `This time nothing was sent, which says nothing of the try before. ${message}`,
    };
  if (kind === 'withheld' || (isAgain && kind === 'answered'))
    return {
      tone: 'unsure',
      title: 'Whether the task was created is still not known',
      text: `Asking again did not help. Have somebody look for the task before you create another. ${message}`,
    };
  return {
    tone: 'unsure',
    title: 'It is not known whether the task was created',
    text: `${message} You can safely ask again: that cannot create it twice. Starting a new one can.`,
  };
}

/** The service's reason, with its code for support. */
function toReason(failure: Failure | Withheld): string {
  return failure.kind === 'answered' && failure.errorCode
    ? `${failure.message} (${failure.errorCode})`
    : failure.message;
}
