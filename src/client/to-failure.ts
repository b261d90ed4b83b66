import type { TaskOutcome } from './generated/documents.ts';

/** The members of every failure. */
interface Facts {
  /** The service's reason or a sentence of the gateway, to be shown to the user. */
  readonly message: string;
  /** NOT_SENT: nothing left the gateway. REJECTED: it was not done. UNKNOWN: it may have been done. */
  readonly outcome: TaskOutcome;
  /** True if the same write may be sent again unchanged. */
  readonly retryable: boolean;
}

/** A failure that the gateway describes, in the extensions of an error or as data. */
export interface AnsweredFailure extends Facts {
  readonly kind: 'answered';
  /** One of docs/failures.md. */
  readonly code: string;
  /** The service's code and reason; null if it gave none. */
  readonly errorCode: string | null;
  readonly errorReason: string | null;
  /** The ID to quote to support; the gateway's log has it. */
  readonly requestId: string | null;
}

/** An answer that no gateway wrote, or whose failure something in between has masked. */
export interface UnexpectedAnswer extends Facts {
  readonly kind: 'unexpected';
  readonly code: 'UNEXPECTED_ANSWER';
  readonly outcome: 'UNKNOWN';
}

/** No answer came: the write may have reached the gateway. */
export interface NoAnswer extends Facts {
  readonly kind: 'unanswered';
  readonly code: 'NO_ANSWER';
  readonly outcome: 'UNKNOWN';
  /** The error of the client library. */
  readonly cause: unknown;
}

/** A reason of this package, and not of the gateway, for not sending anything. */
export interface Withheld {
  readonly kind: 'withheld';
  readonly code: 'STORAGE_FAILED' | 'KEY_LOST' | 'KEY_EXPIRED' | 'OTHER_CALLER';
  readonly outcome: TaskOutcome;
  readonly retryable: false;
  readonly message: string;
}

export type Failure = AnsweredFailure | UnexpectedAnswer | NoAnswer;

// biome-ignore format: one row for each code
const WITHHELD = {
  STORAGE_FAILED: ['NOT_SENT', 'Nothing was sent, because the key cannot be kept in this storage.'],
  KEY_LOST: ['UNKNOWN', 'An earlier try may have been carried out, but its key is lost.'],
  KEY_EXPIRED: ['UNKNOWN', 'An earlier try may have been carried out, and its key has expired.'],
  OTHER_CALLER: ['UNKNOWN', 'Another caller may have done this. Only that caller can find out.'],
} as const satisfies Record<Withheld['code'], readonly [TaskOutcome, string]>;

type Fields = Readonly<Record<string, unknown>>;

const OUTCOMES: ReadonlySet<unknown> = new Set<TaskOutcome>(['NOT_SENT', 'REJECTED', 'UNKNOWN']);
/** Where client libraries keep a GraphQL answer's errors, and the objects in which they keep them. */
const ERROR_LISTS = ['errors', 'graphQLErrors'];
const HOLDERS = ['error', 'response', 'networkError', 'result'];
const MAX_DEPTH = 4;

/**
 * Returns the failure in the answer to a write, or in what the client library has thrown; null if the answer has none. It takes
 * the whole answer, its `data`, one item of a batch, and the results and errors of fetch, graphql-request, urql and Apollo Client.
 * Of several failures it returns one of unknown outcome, if there is any.
 */
export function toFailure(answerOrError: unknown): Failure | null {
  const errors = findErrors(answerOrError, MAX_DEPTH);
  if (errors.length > 0) return worstOf(errors.map(toErrorFailure));
  if (isFields(answerOrError) && answerOrError['error'] != null) return noAnswer(answerOrError['error']);
  if (!isFields(answerOrError) || answerOrError instanceof Error) return noAnswer(answerOrError);
  const data = 'data' in answerOrError ? answerOrError['data'] : answerOrError;
  if (!isFields(data)) return unexpectedAnswer('The answer has no data.');
  return worstOf([data, ...Object.values(data).flat()].flatMap((value) => toDataFailure(value) ?? []));
}

export function unexpectedAnswer(message: string): UnexpectedAnswer {
  return { kind: 'unexpected', code: 'UNEXPECTED_ANSWER', outcome: 'UNKNOWN', retryable: false, message };
}

export function withheld(code: Withheld['code']): Withheld {
  const [outcome, message] = WITHHELD[code];
  return { kind: 'withheld', code, outcome, retryable: false, message };
}

function noAnswer(cause: unknown): NoAnswer {
  const message = 'No answer came from the gateway.';
  return { kind: 'unanswered', code: 'NO_ANSWER', outcome: 'UNKNOWN', retryable: false, message, cause };
}

function findErrors(value: unknown, depth: number): readonly Fields[] {
  if (!isFields(value) || depth === 0) return [];
  for (const name of ERROR_LISTS) {
    const list = value[name];
    if (Array.isArray(list) && list.length > 0) return list.filter(isFields);
  }
  for (const name of HOLDERS) {
    const errors = findErrors(value[name], depth - 1);
    if (errors.length > 0) return errors;
  }
  return findErrors(parseObject(value['bodyText']), depth - 1);
}

/** Apollo Client keeps the body of an answer with a status such as 400 as text. */
function parseObject(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function toErrorFailure({ message, extensions }: Fields): Failure {
  const text = typeof message === 'string' ? message : '';
  return (isFields(extensions) && toDataFailure({ ...extensions, message: text })) || unexpectedAnswer(text);
}

/** Reads a failure from its own members; null if they are not those of one. */
function toDataFailure(value: unknown): AnsweredFailure | null {
  if (!isFields(value)) return null;
  const { code, outcome, retryable, message } = value;
  if (typeof code !== 'string' || !OUTCOMES.has(outcome)) return null;
  const text = (name: string): string | null => (typeof value[name] === 'string' ? value[name] : null);
  return {
    kind: 'answered',
    code,
    outcome: outcome as TaskOutcome,
    retryable: retryable === true,
    message: typeof message === 'string' ? message : '',
    errorCode: text('errorCode'),
    errorReason: text('errorReason'),
    requestId: text('requestId'),
  };
}

function worstOf(failures: readonly Failure[]): Failure | null {
  return failures.find(({ outcome }) => outcome === 'UNKNOWN') ?? failures[0] ?? null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
