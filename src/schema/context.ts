import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import type { AccountTask } from '../contract/account-task.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { Call, Caller, TaskService, WriteOutcome } from '../contract/task-service.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { countFieldsBelow } from './requested-fields.ts';
import { findOutcomes, findTasks } from './task-reading.ts';

/** The writes that a request has carried out, by what they did. */
export type DoneWrites = { [Done in 'created' | 'updated' | 'ran']?: DoneWrite[] };

interface DoneWrite {
  /** The name of the field in the answer, for an item of a batch followed by a dot and its index. */
  readonly path: string;
  /** The ID of the account task or client. */
  readonly id: string;
}

/** A write with an unknown outcome whose failure is part of `data`, not of `errors`. */
export interface UncertainWrite {
  readonly path: readonly (string | number)[];
  readonly error: unknown;
}

/** The context that every resolver of a request gets. */
export interface GatewayContext {
  readonly requestId: string;
  readonly tasks: TaskService;
  /** Returns the caller, checked once per request. @throws TaskFailure (UNAUTHENTICATED, NOT_SENT) for missing or bad credentials. */
  authenticate(): Caller | Promise<Caller>;
  /** The deadline of the operation in milliseconds of `performance.now()`. */
  readonly deadlineMs: number;
  /** The writes carried out so far. An error of a later field can null the whole `data`; its extensions then list them. */
  readonly done: DoneWrites;
  /** The writes with an unknown outcome, kept for the same reason. */
  readonly uncertain: UncertainWrite[];
  /** The maximum number of concurrent creates of one batch. */
  readonly batchConcurrency: number;
  /** Logs a failure that is part of `data` at `path`, and remembers it in `uncertain` if its outcome is unknown. */
  reportFailure(error: unknown, path: UncertainWrite['path']): void;
  /** The budget of bytes for the answer. */
  readonly answer: AnswerBudget;
  /** Loads the caller's tasks by ID, with one look-up for all IDs that are requested at the same time. */
  accountTasks(info: GraphQLResolveInfo): DataLoader<string, AccountTask | null>;
  /** Loads what became of the caller's writes by idempotency key, one after the other. */
  writeOutcomes(info: GraphQLResolveInfo): DataLoader<string, WriteOutcome | null>;
}

export interface GatewayContextOptions
  extends Pick<GatewayContext, 'requestId' | 'tasks' | 'authenticate' | 'deadlineMs' | 'batchConcurrency' | 'answer'> {
  /** Logs a failure that is part of `data`, with the ID of the request. */
  logFailure(error: unknown): void;
}

export function createGatewayContext(options: GatewayContextOptions): GatewayContext {
  let caller: Caller | Promise<Caller> | undefined;
  let loader: DataLoader<string, AccountTask | null> | undefined;
  let outcomes: DataLoader<string, WriteOutcome | null> | undefined;
  const context: GatewayContext = {
    requestId: options.requestId,
    tasks: options.tasks,
    deadlineMs: options.deadlineMs,
    batchConcurrency: options.batchConcurrency,
    done: {},
    uncertain: [],
    answer: options.answer,
    reportFailure(error, path) {
      if (!(error instanceof TaskFailure) || error.outcome === 'UNKNOWN') context.uncertain.push({ path, error });
      options.logFailure(error);
    },
    authenticate: () => (caller ??= options.authenticate()),
    accountTasks: (info) =>
      (loader ??= new DataLoader(async (ids) =>
        findTasks(ids, await toCall(context), context, countFieldsBelow([info.operation.selectionSet], info)),
      )),
    writeOutcomes: (info) =>
      (outcomes ??= new DataLoader(async (keys) =>
        findOutcomes(keys, await toCall(context), context, countFieldsBelow([info.operation.selectionSet], info)),
      )),
  };
  return context;
}

/** Returns the context for calls through the port. Rejects if authentication fails, before anything is sent. */
export async function toCall(context: GatewayContext): Promise<Call> {
  return callOf(await context.authenticate(), context);
}

/** Runs `work` with that context, without waiting if the caller is known at once. */
export function withCall<Result>(context: GatewayContext, work: (call: Call) => Promise<Result>): Promise<Result> {
  const caller = context.authenticate();
  if (caller instanceof Promise) return caller.then((known) => work(callOf(known, context)));
  return work(callOf(caller, context));
}

function callOf(caller: Caller, { requestId, deadlineMs }: GatewayContext): Call {
  return { caller, requestId, deadlineMs };
}
