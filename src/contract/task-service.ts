import type { AccountTask, CreatedAccountTask, NewAccountTask } from './account-task.ts';
import type { BeginStep } from './call-steps.ts';

/** Who calls, as far as a backend needs to know. */
export type Caller = AccountCaller | ForwardedCaller | SubjectCaller;

/** A caller whom our own store knows by a bearer token it gave out. */
export interface AccountCaller {
  readonly kind: 'account';
  readonly accountId: string;
  /** The client the token was given to; null for a token of the account itself. */
  readonly clientId: string | null;
}

/** A caller whose credentials only the upstream can judge: they are passed on as they came. */
export interface ForwardedCaller {
  readonly kind: 'forwarded';
  /** The Authorization header, verbatim. */
  readonly authorization: string;
  /** Absent where this gateway has not checked the credentials itself. */
  readonly verified?: VerifiedToken;
}

/** The claims of a JWT that this gateway has checked. */
export interface VerifiedToken {
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** A caller whose JWT this gateway has checked; the upstream sees the gateway's own credentials. */
export interface SubjectCaller {
  readonly kind: 'subject';
  readonly subject: string;
}

/** What goes with every call through the port. */
export interface Call {
  readonly caller: Caller;
  /** Passed on to the upstream and written to every log line of the request. */
  readonly requestId: string;
  /** In milliseconds of `performance.now()`: no write is sent, and no read goes on, after it; absent: there is no limit. */
  readonly untilMs?: number | undefined;
  /** Told of what is done for the call outside this process; absent: nobody wants to know. */
  readonly beginStep?: BeginStep | undefined;
}

/** What goes with a create. */
export interface CreateCall extends Call {
  /** 1 to 255 characters: the same key and task of the same caller create once. Null or absent: every call creates. */
  readonly idempotencyKey?: string | null;
}

export interface PageRequest {
  /** How many tasks at the most. */
  readonly first: number;
  /** The ID of the task after which the page starts; null for the newest. */
  readonly after: string | null;
  /** The page ends before the task with which it would hold more bytes of text, but not before its first; absent: no bound. */
  readonly maxBytes?: number;
}

export interface AccountTaskPage {
  /** Newest first. */
  readonly tasks: readonly AccountTask[];
  readonly hasNextPage: boolean;
}

/** Resolves with a word for a state that is well; throws a TaskFailure that says what is wrong. */
export type ReadinessCheck = () => Promise<string>;

/** What a backend needs to serve, each part checked by itself. */
export type ReadinessChecks = Readonly<Partial<Record<'upstream' | 'circuit' | 'database', ReadinessCheck>>>;

/**
 * The port between the faces (GraphQL, REST) and the backends (upstream, store).
 * Every method throws a `TaskFailure` where the failure is understood; any other error is a defect.
 */
export interface TaskService {
  /** Registers a task. It resolves only when the task is durably there, and throws nothing but what is known of its fate. */
  create(task: NewAccountTask, call: CreateCall): Promise<CreatedAccountTask>;
  /**
   * The caller's tasks with these IDs, in their order; null where the caller has none of that ID. Of more text than `maxBytes`
   * only a part is read, one task at least: undefined stands where it was not.
   */
  find(ids: readonly string[], call: Call, maxBytes?: number): Promise<readonly (AccountTask | null | undefined)[]>;
  /** A page of the caller's tasks. */
  list(page: PageRequest, call: Call): Promise<AccountTaskPage>;
  /** The backend can serve when all of them are well. */
  readonly checks: ReadinessChecks;
  /** Finishes what is under way and lets go of connections and files. */
  close(): Promise<void>;
}
