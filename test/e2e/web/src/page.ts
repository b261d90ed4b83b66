import type { CreateAccountTaskInput } from '../../../generated/graphql.ts';
import { createAccountTask, type CreateOutcome } from './create-account-task.ts';
import { type OutcomeText, toOutcomeText } from './outcome-text.ts';
import { afterTry, keepSubmission, newSubmission, type Submission } from './submission.ts';
import { compareTimestamps, parseTicks } from './timestamp.ts';

const TIMESTAMP_FORM = 'Write it as 2026-02-22T04:10:00Z, with Z or an offset and at most 7 digits after the seconds.';
const GATEWAY_URL = (import.meta.env['VITE_GATEWAY_URL'] as string | undefined) ?? 'http://127.0.0.1:4000/graphql';

const find = <T extends Element>(selector: string): T => {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
};
const form = find<HTMLFormElement>('#task');
const fields = find<HTMLFieldSetElement>('#fields');
const create = find<HTMLButtonElement>('#create');
const outcome = find<HTMLElement>('#outcome');
const title = find<HTMLElement>('#title');
const again = find<HTMLButtonElement>('#again');
const another = find<HTMLButtonElement>('#new');
const token = field('token');
const start = field('startDate');
const finish = field('finishDate');

const kept = keepSubmission(sessionStorage);
/** What is not finished: while there is one, the form waits. */
let open: Submission | null = kept.read();

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (isPlausible()) void send(newSubmission(readInput()));
});
form.addEventListener('input', () => {
  for (const control of [start, finish]) control.setCustomValidity('');
});
again.addEventListener('click', () => {
  if (open && token.reportValidity()) void send(open);
});
another.addEventListener('click', () => {
  settle(null);
  outcome.hidden = true;
  token.focus();
});

if (open?.failure) {
  for (const [name, value] of Object.entries(open.input)) field(name).value = String(value ?? '');
  settle(open);
  show(
    toOutcomeText({ kind: 'failed', failure: open.failure }, { ...open, failure: null }),
    requestFacts(open.failure),
  );
}

/** One try of a submission, from the click to the words about it. */
async function send(submission: Submission): Promise<void> {
  kept.sending(submission);
  busy(true);
  const { input, idempotencyKey } = submission;
  const endpoint = { url: GATEWAY_URL, authorization: toAuthorization(token.value) };
  const result = await createAccountTask(endpoint, { input, idempotencyKey });
  busy(false);
  settle(afterTry(submission, result));
  show(toOutcomeText(result, submission), toFacts(result));
  title.focus();
}

function settle(next: Submission | null): void {
  open = next;
  kept.write(next);
  // The token may have to be renewed for another try; everything else belongs to the key.
  for (const control of fields.querySelectorAll<HTMLInputElement>('[name]:not([name=token])'))
    control.disabled = next !== null;
  create.hidden = next !== null;
  again.hidden = next === null;
  another.hidden = next === null;
}

function busy(isBusy: boolean): void {
  for (const button of [create, again, another]) button.disabled = isBusy;
  form.ariaBusy = String(isBusy);
  create.textContent = isBusy ? 'Creating…' : 'Create the task';
  again.textContent = isBusy ? 'Asking…' : 'Ask again';
}

function show({ title: heading, text, tone }: OutcomeText, facts: readonly (readonly [string, string])[]): void {
  title.textContent = heading;
  find('#text').textContent = text;
  find('#facts').replaceChildren(
    ...facts.map(([name, value]) => {
      const group = document.createElement('div');
      for (const [tag, content] of [
        ['dt', name],
        ['dd', value],
      ] as const)
        group.append(Object.assign(document.createElement(tag), { textContent: content }));
      return group;
    }),
  );
  outcome.dataset['tone'] = tone;
  outcome.hidden = false;
}

function toFacts(result: CreateOutcome): readonly (readonly [string, string])[] {
  if (result.kind === 'failed') return requestFacts(result.failure);
  const { id, name, startDate, status } = result.payload.accountTask;
  const facts = [
    ['ID', id],
    ['Name', name],
    ['Start', startDate],
    ['Status', status],
  ] as const;
  return facts.flatMap(([label, value]) => (value ? [[label, value] as const] : []));
}

function requestFacts({ requestId }: { readonly requestId?: string }): readonly (readonly [string, string])[] {
  return requestId ? [['Request', requestId]] : [];
}

function readInput(): CreateAccountTaskInput {
  const { frequency, notification, contentType, ...texts } = Object.fromEntries(new FormData(form)) as Record<
    string,
    string
  >;
  return {
    taskId: texts['taskId'] ?? '',
    parameters: texts['parameters'] ?? '',
    startDate: texts['startDate'] || null,
    finishDate: texts['finishDate'] || null,
    frequency: frequency as CreateAccountTaskInput['frequency'],
    notification: notification as NonNullable<CreateAccountTaskInput['notification']>,
    contentType: contentType as CreateAccountTaskInput['contentType'],
  };
}

/** What can be told before asking; everything else is the gateway's to check, which names the field. */
function isPlausible(): boolean {
  for (const control of [start, finish])
    control.setCustomValidity(control.value && parseTicks(control.value) === null ? TIMESTAMP_FORM : '');
  const areBoth = start.validity.valid && finish.validity.valid && start.value && finish.value;
  if (areBoth && compareTimestamps(start.value, finish.value) > 0)
    finish.setCustomValidity('The finish is before the start.');
  return form.reportValidity();
}

function toAuthorization(text: string): string {
  return /^bearer /i.test(text.trim()) ? text.trim() : `Bearer ${text.trim()}`;
}

function field(name: string): HTMLInputElement {
  return find(`[name=${name}]`);
}
