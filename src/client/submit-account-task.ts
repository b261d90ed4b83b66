import {
  type AccountTaskFieldsFragment,
  type CreateAccountTaskInput,
  type TaskOutcome,
  TryCreateAccountTaskDocument,
  type TryCreateAccountTaskMutation,
  WriteOutcomeDocument,
  type WriteOutcomeQuery,
} from './generated/documents.ts';
import {
  type KeptKey,
  endKey,
  findOrMake,
  keepKey,
  type KeyStorage,
  LostKeyError,
  newIdempotencyKey,
  readKey,
  toKeyName,
  updateKey,
} from './kept-keys.ts';
import { type Failure, toFailure, unexpectedAnswer } from './to-failure.ts';
import type { TypedDocument } from './typed-document.ts';

/** One request to the gateway, in every form that a client library wants. */
export interface GraphqlOperation {
  readonly type: 'query' | 'mutation';
  readonly document: TypedDocument<unknown, Readonly<Record<string, unknown>>>;
  /** The document as text. */
  readonly query: string;
  /** The hash of the document in trusted-documents.json. */
  readonly documentId: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Sends an operation with the application's own client, past any cache of it. It resolves with what the client returns: the whole
 * answer, or its data. It may throw what the client throws.
 */
export type Send = (operation: GraphqlOperation) => Promise<unknown>;

export interface SubmitOptions {
  /** `sessionStorage` for one tab; `localStorage` for all tabs of the site, so that two of them create one task. */
  readonly storage: KeyStorage;
  /** An ID of the caller to whom the gateway gives the key, such as the subject of the token. It is stored: never pass a secret. */
  readonly callerId: string;
  /** The gateway's IDEMPOTENCY_KEY_HOURS, in milliseconds. */
  readonly keyLifetimeMs: number;
}

/** A reason of this package, and not of the gateway, for not sending anything. */
export interface Withheld {
  readonly kind: 'withheld';
  readonly code: 'STORAGE_FAILED' | 'KEY_LOST' | 'KEY_EXPIRED' | 'OTHER_CALLER';
  readonly outcome: TaskOutcome;
  readonly retryable: false;
  readonly message: string;
}

export type SubmitResult =
  | {
      readonly kind: 'created';
      readonly accountTask: AccountTaskFieldsFragment;
      /** True if an earlier try had created it. */
      readonly replayed: boolean;
    }
  /** No task was created. If the failure is retryable, the same input may be submitted again. */
  | { readonly kind: 'not-created'; readonly failure: Failure | Withheld }
  /** The task may exist. The failure says why that is not known; it may be of a later try than the one that counts. */
  | {
      readonly kind: 'unknown';
      readonly failure: Failure | Withheld;
      /** Asks again what became of this create, and sends it again only if that cannot create a second task. */
      readonly askAgain: () => Promise<SubmitResult>;
    };

/** The share of its lifetime in which a key is sent again. What is sent later might arrive when the gateway has forgotten the key. */
const SAFE_SHARE = 0.9;

// biome-ignore format: one row for each code
const WITHHELD = {
  STORAGE_FAILED: ['NOT_SENT', 'Nothing was sent, because the key cannot be kept in this storage.'],
  KEY_LOST: ['UNKNOWN', 'An earlier try may have created the task, but its key is lost.'],
  KEY_EXPIRED: ['UNKNOWN', 'An earlier try may have created the task, and its key has expired.'],
  OTHER_CALLER: ['UNKNOWN', 'Another caller may have created the task. Only that caller can find out.'],
} as const satisfies Record<Withheld['code'], readonly [TaskOutcome, string]>;

/**
 * Creates a task once, however often it is called with the same input until the fate of the task is known: in two tabs at once,
 * after a reload and after lost answers. Then the same input is a new task. It never throws.
 */
export async function submitAccountTask(
  send: Send,
  input: CreateAccountTaskInput,
  options: SubmitOptions,
): Promise<SubmitResult> {
  const { storage, callerId, keyLifetimeMs } = options;
  const name = toKeyName(input);
  const isCurrent = (kept: KeptKey): boolean => {
    const ageMs = Date.now() - kept.triedAtMs;
    return ageMs >= 0 && ageMs < SAFE_SHARE * keyLifetimeMs;
  };
  const unknown = (kept: KeptKey | null, failure: Failure | Withheld): SubmitResult => ({
    kind: 'unknown',
    failure,
    askAgain: () => (kept ? resume(kept) : submitAccountTask(send, input, options)),
  });
  const created = (kept: KeptKey, accountTask: AccountTaskFieldsFragment, replayed: boolean): SubmitResult => {
    endKey(storage, name, kept);
    return { kind: 'created', accountTask, replayed };
  };
  /** Sends the create. `mayExist` is true if an earlier try may have created the task. */
  const create = async (kept: KeptKey, mayExist: boolean): Promise<SubmitResult> => {
    const { idempotencyKey } = kept;
    const answer = await perform(send, 'mutation', TryCreateAccountTaskDocument, { input, idempotencyKey });
    const payload = (answer.data as TryCreateAccountTaskMutation | null)?.tryCreateAccountTask;
    if (payload && 'accountTask' in payload) return created(kept, payload.accountTask, payload.replayed);
    const failure = answer.failure ?? unexpectedAnswer('The answer says nothing about the task.');
    const { outcome, code, retryable } = failure;
    if (outcome === 'UNKNOWN' || code === 'IDEMPOTENCY_IN_PROGRESS') return unknown(kept, failure);
    // This try was not sent, which says nothing about an earlier one.
    if (outcome === 'NOT_SENT' && mayExist) return unknown(kept, failure);
    updateKey(storage, name, kept, retryable ? { ...kept, mayExist: false } : null);
    return { kind: 'not-created', failure };
  };
  /** Goes on with a create that was tried before. */
  const resume = async (kept: KeptKey): Promise<SubmitResult> => {
    if (kept.callerId !== callerId) return unknown(kept, withheld('OTHER_CALLER'));
    const { idempotencyKey } = kept;
    const { data, failure } = await perform(send, 'query', WriteOutcomeDocument, { idempotencyKey });
    const { writeOutcome } = (data ?? {}) as Partial<WriteOutcomeQuery>;
    if (writeOutcome === undefined || (writeOutcome === null && failure))
      return unknown(kept, failure ?? unexpectedAnswer('The answer says nothing about the key.'));
    if (writeOutcome?.accountTask) return created(kept, writeOutcome.accountTask, true);
    if (writeOutcome?.state === 'UNKNOWN')
      return unknown(kept, toFailure(writeOutcome.failure) ?? unexpectedAnswer('The answer has no failure.'));
    // The key is free, or its create is under way: then the gateway waits for it, and sends nothing.
    return isCurrent(kept) ? create(kept, true) : unknown(kept, withheld('KEY_EXPIRED'));
  };
  const startedAtMs = Date.now();
  const findEarlier = (): { readonly kept: KeptKey; readonly isEarlier: boolean } | null => {
    const kept = readKey(storage, name);
    return kept?.mayExist && (kept.createdAtMs ?? Infinity) > startedAtMs ? { kept, isEarlier: true } : null;
  };
  const makeNew = (): { readonly kept: KeptKey; readonly isEarlier: boolean } => {
    const unsent = readKey(storage, name);
    const isUsable = unsent?.mayExist === false && unsent.callerId === callerId && isCurrent(unsent);
    const { idempotencyKey, triedAtMs } = isUsable
      ? unsent
      : { idempotencyKey: newIdempotencyKey(), triedAtMs: startedAtMs };
    return { kept: keepKey(storage, name, { idempotencyKey, callerId, triedAtMs, mayExist: true }), isEarlier: false };
  };
  const taken = await findOrMake(name, findEarlier, makeNew).catch((error: unknown) => error);
  if (taken instanceof LostKeyError) return unknown(null, withheld('KEY_LOST'));
  if (taken instanceof Error) return { kind: 'not-created', failure: withheld('STORAGE_FAILED') };
  const { kept, isEarlier } = taken as ReturnType<typeof makeNew>;
  return isEarlier ? resume(kept) : create(kept, false);
}

/** Sends an operation. Returns its data and its failure, either of which may be null. */
async function perform<Result, Variables extends Readonly<Record<string, unknown>>>(
  send: Send,
  type: GraphqlOperation['type'],
  document: TypedDocument<Result, Variables>,
  variables: Variables,
): Promise<{ readonly data: unknown; readonly failure: Failure | null }> {
  const { __meta__: { text: query = '', hash: documentId = '' } = {} } = document;
  try {
    const answer = await send({ type, document, query, documentId, variables } as GraphqlOperation);
    const isWhole = typeof answer === 'object' && answer !== null && 'data' in answer;
    return { data: isWhole ? answer.data : answer, failure: toFailure(answer) };
  } catch (error) {
    return { data: null, failure: toFailure(error) };
  }
}

function withheld(code: Withheld['code']): Withheld {
  const [outcome, message] = WITHHELD[code];
  return { kind: 'withheld', code, outcome, retryable: false, message };
}
