import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import type { AccountTask, CreatedAccountTask, NewAccountTask } from '../contract/account-task.ts';
import type { BeginStep } from '../contract/call-steps.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { Call, Caller, TaskService } from '../contract/task-service.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { countFieldsBelow } from './requested-fields.ts';
import { findTasks } from './task-reading.ts';

/** A task that was created by this field, or by this item of its list. */
export interface CreatedTaskRef {
  /** The field's name in the answer, and behind a dot the item's index. */
  readonly path: string;
  readonly id: string;
}

/** A write whose failure is data of the answer, and of whose fate nobody knows. */
export interface UncertainWrite {
  readonly path: readonly (string | number)[];
  readonly error: unknown;
}

/** What resolvers see of the request they serve. */
export interface GatewayContext {
  readonly requestId: string;
  readonly tasks: TaskService;
  /** Who calls; throws, or rejects with, a `TaskFailure` (UNAUTHENTICATED, NOT_SENT) where the request does not say so credibly. */
  authenticate(): Caller | Promise<Caller>;
  /** What came of it, where somebody has asked; undefined: nobody has, or the request could be refused at once. */
  knownCaller(): Caller | Promise<Caller> | undefined;
  /** When the operation has to end, in milliseconds of `performance.now()`. */
  readonly untilMs: number;
  /** The tasks that the request has created so far: an error of a later field takes the results of earlier ones away. */
  readonly created: CreatedTaskRef[];
  /** The tasks that it may have created, likewise. */
  readonly uncertain: UncertainWrite[];
  /** How many creates of one batch may be under way at the same time. */
  readonly batchConcurrency: number;
  /** Writes a failure that is data of the answer at `path`, and so no error of it, to the log with the request's ID. */
  reportFailure(error: unknown, path: UncertainWrite['path']): void;
  /** Told of what is done for the request; undefined: nobody wants to know. */
  readonly beginStep: BeginStep | undefined;
  /** The bytes that the answer may still take. */
  readonly answer: AnswerBudget;
  /** The caller's tasks by ID: one look-up for all that one turn of the request asks for. */
  accountTasks(info: GraphQLResolveInfo): DataLoader<string, AccountTask | null>;
}

export interface GatewayContextOptions
  extends Pick<
    GatewayContext,
    'requestId' | 'tasks' | 'authenticate' | 'untilMs' | 'batchConcurrency' | 'beginStep' | 'answer'
  > {
  /** Logs a failure that is no error of the answer. */
  logFailure(error: unknown): void;
}

export function createGatewayContext(options: GatewayContextOptions): GatewayContext {
  let caller: Caller | Promise<Caller> | undefined;
  let loader: DataLoader<string, AccountTask | null> | undefined;
  const context: GatewayContext = {
    requestId: options.requestId,
    tasks: options.tasks,
    untilMs: options.untilMs,
    batchConcurrency: options.batchConcurrency,
    beginStep: options.beginStep,
    created: [],
    uncertain: [],
    answer: options.answer,
    reportFailure(error, path) {
      if (!(error instanceof TaskFailure) || error.outcome === 'UNKNOWN') context.uncertain.push({ path, error });
      options.logFailure(error);
    },
    authenticate: () => (caller ??= options.authenticate()),
    knownCaller: () => caller,
    accountTasks: (info) =>
      (loader ??= new DataLoader(async (ids) =>
        findTasks(ids, await toCall(context), context, countFieldsBelow([info.operation.selectionSet], info)),
      )),
  };
  return context;
}

/** The port's view of a request; throws where the caller is not credible, before anything is sent. */
export async function toCall(context: GatewayContext): Promise<Call> {
  return callOf(await context.authenticate(), context);
}

/** The same for the work that every call takes; a promise only where it takes time to know the caller. */
function withCall<Result>(context: GatewayContext, work: (call: Call) => Promise<Result>): Promise<Result> {
  const caller = context.authenticate();
  if (caller instanceof Promise) return caller.then((known) => work(callOf(known, context)));
  return work(callOf(caller, context));
}

/** The place of a create in the request: its path in the answer, and the path of its input in the arguments. */
interface CreatePlace {
  readonly path: string;
  readonly inputPath: string;
}

/** Registers a task and adds it to `created`. */
export function createTask(
  context: GatewayContext,
  { path, inputPath }: CreatePlace,
  task: NewAccountTask,
  idempotencyKey: string | null,
): Promise<CreatedAccountTask> {
  return withCall(context, ({ caller, requestId, untilMs, beginStep }) =>
    context.tasks.create(task, { caller, requestId, untilMs, beginStep, idempotencyKey }).then(
      (created) => {
        context.created.push({ path, id: created.accountTask.ID });
        return created;
      },
      (error: unknown) => {
        throw withInputPath(error, inputPath);
      },
    ),
  );
}

/** The members of an input that the port checks. It names them without a path. */
const CHECKED_BY_PORT = /^(?:parameters|finishDate): /;

/** Names a refused member of an input by its path in the arguments, as in `input.parameters`. */
function withInputPath(error: unknown, inputPath: string): unknown {
  if (!(error instanceof TaskFailure) || error.code !== 'BAD_USER_INPUT' || !CHECKED_BY_PORT.test(error.message))
    return error;
  const { message, cause } = error;
  return new TaskFailure({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }, `${inputPath}.${message}`, { cause });
}

function callOf(caller: Caller, { requestId, untilMs, beginStep }: GatewayContext): Call {
  return { caller, requestId, untilMs, beginStep };
}
