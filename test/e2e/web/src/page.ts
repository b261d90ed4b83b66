import type { CreateAccountTaskInput } from '../../../../src/client/documents.ts';
import { createAccountTask, type CreateOutcome } from './create-account-task.ts';
import { type OutcomeText, toOutcomeText } from './outcome-text.ts';
import { afterTry, keepSubmission, newSubmission, type Submission } from './submission.ts';
import { compareTimestamps, parseTicks } from '../../../../src/client/compare-timestamps.ts';

const TIMESTAMP_FORM = 'Write it as 2026-02-22T04:10:00Z, with Z or an offset and at most 7 digits after the seconds.';
/** The fields that belong to the key. The token does not, since it may have to be renewed. */
const FIELDS = ['taskId', 'frequency', 'notification', 'startDate', 'finishDate', 'parameters', 'contentType'];
const GATEWAY_URL = (import.meta.env['VITE_GATEWAY_URL'] as string | undefined) ?? 'http://127.0.0.1:4000/graphql';

const form = find('#task', HTMLFormElement);
const create = find('#create', HTMLButtonElement);
const outcome = find('#outcome', HTMLElement);
const title = find('#title', HTMLElement);
const sentence = find('#text', HTMLElement);
const list = find('#facts', HTMLElement);
const again = find('#again', HTMLButtonElement);
const another = find('#new', HTMLButtonElement);
const token = find('#token', HTMLInputElement);
const start = find('#startDate', HTMLInputElement);
const finish = find('#finishDate', HTMLInputElement);

const kept = keepSubmission(sessionStorage);
/** The unfinished submission, which locks the form; null if every submission is settled. */
let open: Submission | null = kept.read();

form.addEventListener('submit', (event) => {
  event.preventDefault();
  // Enter in the token's field submits too, while a submission waits to be sent again.
  if (open) void send(open);
  else if (isPlausible()) void send(newSubmission(readInput()));
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
  for (const [name, value] of Object.entries(open.input)) if (value) field(name).value = value;
  settle(open);
  show(
    toOutcomeText({ kind: 'failed', failure: open.failure }, { ...open, failure: null }),
    requestFacts(open.failure),
  );
}

/** Sends a submission once and shows the outcome. */
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
  for (const name of FIELDS) field(name).disabled = next !== null;
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

function show(words: OutcomeText, details: readonly (readonly [string, string])[]): void {
  title.textContent = words.title;
  sentence.textContent = words.text;
  list.replaceChildren(
    ...details.map(([name, value]) => {
      const group = document.createElement('div');
      for (const [tag, content] of [
        ['dt', name],
        ['dd', value],
      ] as const)
        group.append(Object.assign(document.createElement(tag), { textContent: content }));
      return group;
    }),
  );
  outcome.dataset['tone'] = words.tone;
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

/** Checks the timestamps before sending. The gateway checks everything else and names the field. */
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
  // Selects and text areas also have the two members used here, `value` and `disabled`.
  return form.elements.namedItem(name) as HTMLInputElement;
}

function find<T extends Element>(selector: string, type: new () => T): T {
  const found = document.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`The page has no ${selector}.`);
  return found;
}
