import type {
  AccountTask,
  CreatedAccountTask,
  NewAccountTask,
  CreatedClient,
  ClientOrder,
  RunOrder,
  StartedRun,
  TaskUpdate,
  UpdatedAccountTask,
} from './account-task.ts';
import { notSupported, type TaskFailure } from './failure.ts';
import { type EnumMember, findMember } from './enums.ts';
import { isEarlier, isTimestamp } from './text-formats.ts';

/** The identity of a caller, as far as a backend needs it. */
export type Caller = AccountCaller | ForwardedCaller | SubjectCaller;

/** A caller with a bearer token that our own store issued. */
export interface AccountCaller {
  readonly kind: 'account';
  readonly accountId: string;
  /** The client that the token was issued to; null for a token of the account itself. */
  readonly clientId: string | null;
}

/** A caller whose credentials are forwarded unchanged, because only the upstream can judge them. */
export interface ForwardedCaller {
  readonly kind: 'forwarded';
  /** The Authorization header, verbatim. */
  readonly authorization: string;
  /** Absent if this gateway has not verified the credentials itself. */
  readonly verified?: VerifiedToken;
}

/** The claims of a JWT that this gateway has verified. */
export interface VerifiedToken {
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** A caller whose JWT this gateway has verified. The upstream sees the gateway's own credentials instead. */
export interface SubjectCaller {
  readonly kind: 'subject';
  readonly subject: string;
}

/** The context of every call through the port. */
export interface Call {
  readonly caller: Caller;
  /** Sent to the upstream and written to every log line of the request. */
  readonly requestId: string;
  /** The deadline in milliseconds of `performance.now()`, after which no write is sent and no read continues. Unlimited if absent. */
  readonly deadlineMs?: number | undefined;
}

/** The context of a write. */
export interface WriteCall extends Call {
  /**
   * 1 to 255 characters, for creates and runs only. The same caller, key and input are carried out once. If null or absent, every
   * call is carried out.
   */
  readonly idempotencyKey?: string | null;
}

/** The writes of the port by name, each with its input and its result. */
interface Writes {
  /** Registers a task. */
  readonly create: readonly [input: NewAccountTask, result: CreatedAccountTask];
  /** Replaces a registered task. */
  readonly update: readonly [input: TaskUpdate, result: UpdatedAccountTask];
  /** Runs a registered task now. */
  readonly run: readonly [input: RunOrder, result: StartedRun];
  /** Adds a client to an account. */
  readonly createClient: readonly [input: ClientOrder, result: CreatedClient];
}

export type WriteName = keyof Writes;
export type WriteInput<Name extends WriteName> = Writes[Name][0];
export type WriteResult<Name extends WriteName> = Writes[Name][1];

/**
 * The methods of the writes. Each resolves only once the service has answered, or the result is stored durably; a failure states
 * in `outcome` whether the write may have been carried out.
 */
export type WriteMethods = {
  readonly [Name in WriteName]: (input: WriteInput<Name>, call: WriteCall) => Promise<WriteResult<Name>>;
};

/** Decorates every write alike. */
export function decorateWrites(
  inner: WriteMethods,
  decorate: <Input, Result>(
    write: (input: Input, call: WriteCall) => Promise<Result>,
    name: WriteName,
  ) => (input: Input, call: WriteCall) => Promise<Result>,
): WriteMethods {
  return {
    create: decorate(inner.create, 'create'),
    update: decorate(inner.update, 'update'),
    run: decorate(inner.run, 'run'),
    createClient: decorate(inner.createClient, 'createClient'),
  };
}

/** The writes of a backend that cannot carry them out. */
export function unsupportedWrites(message: string): WriteMethods {
  const refuse = async (): Promise<never> => {
    throw notSupported(message);
  };
  return { create: refuse, update: refuse, run: refuse, createClient: refuse };
}

export type AccountTaskOrder = 'NEWEST_FIRST' | 'OLDEST_FIRST';

/** The conditions of a list. A task has to meet every one that is given. */
export interface AccountTaskFilter {
  /** Hyphenated, lower-case, as `clientIds`. */
  readonly taskIds?: readonly string[] | undefined;
  readonly clientIds?: readonly string[] | undefined;
  /** The members of the gateway's table. */
  readonly frequencies?: readonly EnumMember[] | undefined;
  readonly statuses?: readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
  /** A timestamp; tasks created at that very time match. */
  readonly createdFrom?: string | undefined;
  /** A timestamp; tasks created at that very time do not match. */
  readonly createdBefore?: string | undefined;
}

export interface PageRequest {
  /** The maximum number of tasks. */
  readonly first: number;
  /** The ID of the task after which the page starts; null to start with the first task of the list. */
  readonly after: string | null;
  /** The ID of the task before which the page ends at the latest. */
  readonly before?: string | null;
  /** NEWEST_FIRST unless given. */
  readonly order?: AccountTaskOrder;
  readonly filter?: AccountTaskFilter;
  /** True to count the tasks of the whole list. */
  readonly isCounted?: boolean;
  /** The page ends before the task that would exceed so many bytes of text, but has at least one task. Unlimited if absent. */
  readonly maxBytes?: number;
}

export interface AccountTaskPage {
  /** In the requested order. A page with a filter looks at a bounded number of tasks, so it may have none before the end. */
  readonly tasks: readonly AccountTask[];
  readonly hasNextPage: boolean;
  /** The ID of the task after which the next page starts, unless that is the last task of this page. */
  readonly resumeAfter?: string | undefined;
  /** The number of tasks if the request says `isCounted`; null if they are too many to be counted. */
  readonly totalCount?: number | null | undefined;
}

/** True if the task meets every condition. A field without a readable value meets none. */
export function matchesFilter({ TaskID, ClientID, fields }: AccountTask, filter: AccountTaskFilter): boolean {
  const { taskIds, clientIds, frequencies, statuses, enabled } = filter;
  return (
    (!taskIds || taskIds.includes(TaskID)) &&
    (!clientIds || clientIds.includes(ClientID ?? '')) &&
    (!frequencies || findMember(frequencies, fields.Frequency) !== null) &&
    (!statuses || (typeof fields.Status === 'string' && statuses.includes(fields.Status))) &&
    (enabled === undefined || fields.Enabled === enabled) &&
    isCreatedWithin(fields.DateCreated ?? '', filter)
  );
}

function isCreatedWithin(created: string, { createdFrom, createdBefore }: AccountTaskFilter): boolean {
  if (createdFrom === undefined && createdBefore === undefined) return true;
  return (
    isTimestamp(created) &&
    (createdFrom === undefined || !isEarlier(created, createdFrom)) &&
    (createdBefore === undefined || isEarlier(created, createdBefore))
  );
}

/** The fate of the latest write with an idempotency key. */
export interface WriteOutcome {
  readonly operation: WriteOperation;
  /** UNKNOWN also if the process that sent the write has ended before it stored the result. */
  readonly state: 'IN_PROGRESS' | 'SUCCEEDED' | 'UNKNOWN';
  /** The task if the write succeeded, else null. */
  readonly accountTask: AccountTask | null;
  /** The failure if the outcome is unknown, else null. */
  readonly failure: TaskFailure | null;
  /** A contract timestamp. */
  readonly firstTriedAt: string;
  /** The contract timestamp from which the key is new again. */
  readonly expiresAt: string;
  /** The request that sent the write. */
  readonly requestId: string;
  /** The operator who settled an unknown outcome; null if nobody did. */
  readonly settledBy: string | null;
}

export type WriteOperation = 'CREATE_ACCOUNT_TASK' | 'RUN_ACCOUNT_TASK';

/** Resolves with a word for a healthy state, such as `ok`; rejects with a TaskFailure that says what is wrong. */
export type ReadinessCheck = () => Promise<string>;

/** The parts that a backend needs to serve, each with its own check. */
export type ReadinessChecks = Readonly<Partial<Record<'upstream' | 'circuit' | 'database', ReadinessCheck>>>;

/**
 * The port between the faces (GraphQL, REST) and the backends (upstream, store).
 * Every method rejects with a `TaskFailure` if the failure is understood; any other error is a defect.
 */
export interface TaskService extends WriteMethods {
  /**
   * Finds the caller's tasks by ID, in the order of `ids`; null if the caller has no task with that ID. Stops once `maxBytes` of
   * text are read, but reads at least one task; undefined stands for a task that was not read.
   */
  find(ids: readonly string[], call: Call, maxBytes?: number): Promise<readonly (AccountTask | null | undefined)[]>;
  /** Reads a page of a list of the caller's tasks. */
  list(page: PageRequest, call: Call): Promise<AccountTaskPage>;
  /**
   * Tells what became of the caller's latest write with this key, and sends nothing. Resolves with null if the key is unknown
   * or has expired, and if that write was refused or not sent, since the key is free then.
   */
  findOutcome(idempotencyKey: string, call: Call): Promise<WriteOutcome | null>;
  /** The backend is ready to serve if all of them succeed. */
  readonly checks: ReadinessChecks;
  /** Finishes the calls in flight and releases connections and files. Later calls are refused. */
  close(): Promise<void>;
}
