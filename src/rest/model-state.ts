import type { FieldProblem, RequestFormat } from '../wire/codec.ts';

/** What the framework says of a request that it cannot bind: texts by the place they are about. */
export type ModelState = Readonly<Record<string, readonly string[]>>;

type Complaint = readonly [at: string, text: string];

/** All that a remote caller learns of an exception. */
export const HIDDEN = 'An error has occurred.';
/** The body as a whole cannot be read. */
export const UNREADABLE: ModelState = { request: [HIDDEN] };

/** The framework's complaints about a request's fields; null where it has none and refusing them is left to the action. */
export function toModelState(format: RequestFormat, problems: readonly FieldProblem[]): ModelState | null {
  // The XML serializer gives up at the first value that it cannot read.
  if (format === 'xml' && problems.some(({ kind }) => kind === 'invalid')) return UNREADABLE;
  const state: Record<string, string[]> = {};
  for (const [at, text] of problems.flatMap((problem) => complaints(format, problem))) {
    state[at] ??= [];
    state[at].push(text);
  }
  return Object.keys(state).length > 0 ? state : null;
}

function complaints(format: RequestFormat, { at, kind, given }: FieldProblem): readonly Complaint[] {
  if (kind === 'refused') return [];
  const place = `request.${at}`;
  if (at === 'Parameters' || at === 'ContentType') {
    const required: Complaint = [place, `The ${at} field is required.`];
    return kind === 'missing' ? [required] : [[place, HIDDEN], required];
  }
  if (format === 'json') return kind === 'missing' ? [['request', HIDDEN]] : [[place, HIDDEN]];
  // A value type that the XML lacks has its default; that the default means nothing is for the action to say.
  if (format === 'xml') return [];
  const isRequired = at === 'TaskID' || at === 'Frequency';
  const required: readonly Complaint[] = isRequired ? [[place, `The ${at} property is required.`]] : [];
  if (kind === 'missing') return required;
  if (!given?.trim()) return [[place, 'A value is required.']];
  return [[place, `The value '${given}' is not valid for ${at}.`], ...required];
}
