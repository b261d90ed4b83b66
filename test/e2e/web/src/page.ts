import {
  compareTimestamps,
  type CreateAccountTaskInput,
  forgetAccountTask,
  parseTicks,
  pendingAccountTasks,
  type Send,
  submitAccountTask,
  type SubmitResult,
} from '../../../../src/client/account-task-client.ts';
import { type OutcomeText, RELOADED, toOutcomeText } from './outcome-text.ts';

const TIMESTAMP_FORM = 'Write it as 2026-02-22T04:10:00Z, with Z or an offset and at most 7 digits after the seconds.';
/** The fields that belong to the key. The token does not, since it may have to be renewed. */
const FIELDS = ['taskId', 'frequency', 'notification', 'startDate', 'finishDate', 'parameters', 'contentType'];
/** The gateway's IDEMPOTENCY_KEY_HOURS. */
const KEY_LIFETIME_MS = 24 * 3_600_000;
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

/** The input of the task whose fate is not known, or that may be tried again. It locks the form. */
let open: CreateAccountTaskInput | null = pendingAccountTasks(sessionStorage)[0] ?? null;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  // Enter in the token's field submits too, while a task waits to be asked for again.
  if (open || isPlausible()) void submit();
});
form.addEventListener('input', () => {
  for (const control of [start, finish]) control.setCustomValidity('');
});
again.addEventListener('click', () => {
  if (token.reportValidity()) void submit();
});
another.addEventListener('click', () => {
  if (open) forgetAccountTask(sessionStorage, open);
  settle(null);
  outcome.hidden = true;
  token.focus();
});

if (open) {
  for (const [name, value] of Object.entries(open)) if (value) field(name).value = value;
  settle(open);
  show(RELOADED, []);
}

/** Submits the task of the form, or asks for the one that is open, and shows the outcome. */
async function submit(): Promise<void> {
  const isAgain = open !== null;
  const input = open ?? readInput();
  const authorization = toAuthorization(token.value);
  if (!isSendable(authorization)) {
    const text = 'The access token has characters that cannot be sent.';
    return show({ tone: 'bad', title: 'Nothing was sent, and nothing was created', text }, []);
  }
  busy(true);
  const result = await submitAccountTask(createSend(authorization), input, {
    storage: sessionStorage,
    callerId: await toCallerId(authorization),
    keyLifetimeMs: KEY_LIFETIME_MS,
  });
  busy(false);
  const isOpen = result.kind === 'unknown' || (result.kind === 'not-created' && result.failure.retryable);
  settle(isOpen ? input : null);
  show(toOutcomeText(result, isAgain), toFacts(result));
  title.focus();
}

/** Sends with `fetch` alone. HTTP errors (400, 413) have a GraphQL body too, so the status does not matter. */
function createSend(authorization: string): Send {
  return async ({ query, variables }) => {
    const response = await fetch(GATEWAY_URL, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body: JSON.stringify({ query, variables }),
    });
    return response.json() as Promise<unknown>;
  };
}

function isSendable(authorization: string): boolean {
  try {
    return new Headers({ authorization }).has('authorization');
  } catch {
    return false;
  }
}

/** A gateway that forwards Authorization knows a key only together with that header. The token itself is not stored. */
async function toCallerId(authorization: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(authorization));
  return new Uint8Array(hash).toString();
}

function settle(next: CreateAccountTaskInput | null): void {
  open = next;
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

function toFacts(result: SubmitResult): readonly (readonly [string, string])[] {
  if (result.kind !== 'created') {
    const { failure } = result;
    return failure.kind === 'answered' && failure.requestId ? [['Request', failure.requestId]] : [];
  }
  const { id, name, startDate, status } = result.accountTask;
  const facts = [
    ['ID', id],
    ['Name', name],
    ['Start', startDate],
    ['Status', status],
  ] as const;
  return facts.flatMap(([label, value]) => (value ? [[label, value] as const] : []));
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
