import {
  type AccountTaskFieldsFragment,
  type CreateAccountTaskInput,
  TryCreateAccountTaskDocument,
  TryRunAccountTaskDocument,
  WriteOutcomeDocument,
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
  toCreateName,
  toRunName,
  updateKey,
} from './kept-keys.ts';
import { type Failure, toFailure, unexpectedAnswer, type Withheld, withheld } from './to-failure.ts';
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

type WriteResult<Done, NotDone> =
  | Done
  /** Nothing was done. If the failure is retryable, the same may be submitted again. */
  | { readonly kind: NotDone; readonly failure: Failure | Withheld }
  /** It may have been done. The failure says why that is not known; it may be of a later try than the one that counts. */
  | {
      readonly kind: 'unknown';
      readonly failure: Failure | Withheld;
      /** Asks again what became of this write, and sends it again only if that cannot do it a second time. */
      readonly askAgain: () => Promise<WriteResult<Done, NotDone>>;
    };

interface Created {
  readonly kind: 'created';
  readonly accountTask: AccountTaskFieldsFragment;
  /** True if an earlier try had created it. */
  readonly replayed: boolean;
}

interface Ran {
  readonly kind: 'ran';
  readonly accountTaskId: string;
  /** True if an earlier try had run it. */
  readonly replayed: boolean;
}

export type SubmitResult = WriteResult<Created, 'not-created'>;
export type RunResult = WriteResult<Ran, 'not-run'>;

/** The members that tell a result: of the answer to a write, or of what became of an earlier try. */
interface Source {
  readonly __typename: string;
  readonly accountTask?: AccountTaskFieldsFragment | null;
  readonly accountTaskId?: string;
  readonly state?: string;
  readonly replayed?: boolean;
}

type KeyedField = 'tryCreateAccountTask' | 'tryRunAccountTask';

/** A write that is done once under one key. */
interface KeyedWrite<Done, NotDone> {
  /** The name of its key in the storage. */
  readonly name: string;
  readonly document: TypedDocument<Partial<Record<KeyedField, Source>>, never>;
  readonly field: KeyedField;
  readonly variables: object;
  /** Returns null if the source tells no result. */
  readonly toDone: (source: Source) => Done | null;
  readonly notDone: NotDone;
}

/** The share of its lifetime in which a key is sent again. What is sent later might arrive when the gateway has forgotten the key. */
const SAFE_SHARE = 0.9;

/**
 * Creates a task once, however often it is called with the same input until the fate of the task is known: in two tabs at once,
 * after a reload and after lost answers. Then the same input is a new task. It never throws.
 */
export function submitAccountTask(
  send: Send,
  input: CreateAccountTaskInput,
  options: SubmitOptions,
): Promise<SubmitResult> {
  return submitOnce<Created, 'not-created'>(send, options, {
    name: toCreateName(input),
    document: TryCreateAccountTaskDocument,
    field: 'tryCreateAccountTask',
    variables: { input },
    toDone: ({ accountTask, replayed = true }) => (accountTask ? { kind: 'created', accountTask, replayed } : null),
    notDone: 'not-created',
  });
}

/**
 * Runs an account task once, however often it is called with the same ID until the fate of the run is known, as submitAccountTask
 * creates one. Then the same ID is a new run. It never throws.
 */
export function submitTaskRun(send: Send, id: string, options: SubmitOptions): Promise<RunResult> {
  return submitOnce<Ran, 'not-run'>(send, options, {
    name: toRunName(id),
    document: TryRunAccountTaskDocument,
    field: 'tryRunAccountTask',
    variables: { id },
    toDone: ({ accountTaskId, state, replayed = true }) =>
      accountTaskId || state === 'SUCCEEDED' ? { kind: 'ran', accountTaskId: accountTaskId ?? id, replayed } : null,
    notDone: 'not-run',
  });
}

async function submitOnce<Done, NotDone>(
  send: Send,
  options: SubmitOptions,
  write: KeyedWrite<Done, NotDone>,
): Promise<WriteResult<Done, NotDone>> {
  type Result = WriteResult<Done, NotDone>;
  const { storage, callerId, keyLifetimeMs } = options;
  const { name, notDone } = write;
  const isCurrent = (kept: KeptKey): boolean => {
    const ageMs = Date.now() - kept.triedAtMs;
    return ageMs >= 0 && ageMs < SAFE_SHARE * keyLifetimeMs;
  };
  const unknown = (kept: KeptKey | null, failure: Failure | Withheld): Result => ({
    kind: 'unknown',
    failure,
    askAgain: () => (kept ? resume(kept) : submitOnce(send, options, write)),
  });
  const end = (kept: KeptKey, done: Done): Result => {
    endKey(storage, name, kept);
    return done;
  };
  /** Sends the write. `mayExist` is true if an earlier try may have been carried out. */
  const attempt = async (kept: KeptKey, mayExist: boolean): Promise<Result> => {
    const { idempotencyKey } = kept;
    const answer = await perform(send, 'mutation', write.document, { ...write.variables, idempotencyKey });
    const payload = answer.data?.[write.field];
    const done = payload && write.toDone(payload);
    if (done) return end(kept, done);
    const failure = answer.failure ?? unexpectedAnswer('The answer says nothing about the write.');
    const { outcome, code, retryable } = failure;
    if (outcome === 'UNKNOWN' || code === 'IDEMPOTENCY_IN_PROGRESS') return unknown(kept, failure);
    // This try was not sent, which says nothing about an earlier one.
    if (outcome === 'NOT_SENT' && mayExist) return unknown(kept, failure);
    updateKey(storage, name, kept, retryable ? { ...kept, mayExist: false } : null);
    return { kind: notDone, failure };
  };
  /** Goes on with a write that was tried before. */
  const resume = async (kept: KeptKey): Promise<Result> => {
    if (kept.callerId !== callerId) return unknown(kept, withheld('OTHER_CALLER'));
    const { idempotencyKey } = kept;
    const { data, failure } = await perform(send, 'query', WriteOutcomeDocument, { idempotencyKey });
    const { writeOutcome } = data ?? {};
    if (writeOutcome === undefined || (writeOutcome === null && failure))
      return unknown(kept, failure ?? unexpectedAnswer('The answer says nothing about the key.'));
    const done = writeOutcome && write.toDone(writeOutcome);
    if (done) return end(kept, done);
    if (writeOutcome?.state === 'UNKNOWN')
      return unknown(kept, toFailure(writeOutcome.failure) ?? unexpectedAnswer('The answer has no failure.'));
    // The key is free, or its write is under way: then the gateway waits for it, and sends nothing.
    return isCurrent(kept) ? attempt(kept, true) : unknown(kept, withheld('KEY_EXPIRED'));
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
  if (taken instanceof Error) return { kind: notDone, failure: withheld('STORAGE_FAILED') };
  const { kept, isEarlier } = taken as ReturnType<typeof makeNew>;
  return isEarlier ? resume(kept) : attempt(kept, false);
}

/** Sends an operation. Returns its data and its failure, either of which may be null. */
async function perform<Result>(
  send: Send,
  type: GraphqlOperation['type'],
  document: TypedDocument<Result, never>,
  variables: Readonly<Record<string, unknown>>,
): Promise<{ readonly data: Partial<Result> | null; readonly failure: Failure | null }> {
  const { __meta__: { text: query = '', hash: documentId = '' } = {} } = document;
  try {
    const answer = await send({ type, document, query, documentId, variables } as GraphqlOperation);
    const isWhole = typeof answer === 'object' && answer !== null && 'data' in answer;
    return { data: (isWhole ? answer.data : answer) as Partial<Result> | null, failure: toFailure(answer) };
  } catch (error) {
    return { data: null, failure: toFailure(error) };
  }
}
