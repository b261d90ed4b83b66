import DataLoader from 'dataloader';
import type { AccountTask } from '../contract/account-task.ts';
import type { BeginStep } from '../contract/call-steps.ts';
import type { Call, Caller, TaskService } from '../contract/task-service.ts';

/** A task that was created under this alias. */
export interface CreatedBefore {
  readonly path: string;
  readonly id: string;
}

/** What resolvers see of the request they serve. */
export interface GatewayContext {
  readonly requestId: string;
  readonly tasks: TaskService;
  /** Who calls; throws, or rejects with, a `TaskFailure` (UNAUTHENTICATED, NOT_SENT) where the request does not say so credibly. */
  authenticate(): Caller | Promise<Caller>;
  /** What came of it, where somebody has asked; undefined: nobody has, or the request could be refused at once. */
  askedCaller(): Caller | Promise<Caller> | undefined;
  /** What the request's createAccountTask fields have created so far: an error of a later one takes their results away. */
  readonly created: CreatedBefore[];
  /** How many creates of one batch may be under way at the same time. */
  readonly batchConcurrency: number;
  /** Writes a failure that is data of the answer, and so no error of it, to the log with the request's ID. */
  reportFailure(error: unknown): void;
  /** Told of what is done for the request; undefined: nobody wants to know. */
  readonly beginStep: BeginStep | undefined;
  /** The caller's tasks by ID: one look-up for all that one turn of the request asks for. */
  accountTasks(): DataLoader<string, AccountTask | null>;
}

export type RequestFacts = Omit<GatewayContext, 'accountTasks' | 'askedCaller' | 'created'>;

export function createGatewayContext(facts: RequestFacts): GatewayContext {
  let caller: Caller | Promise<Caller> | undefined;
  let loader: DataLoader<string, AccountTask | null> | undefined;
  const context: GatewayContext = {
    requestId: facts.requestId,
    tasks: facts.tasks,
    batchConcurrency: facts.batchConcurrency,
    reportFailure: facts.reportFailure,
    beginStep: facts.beginStep,
    created: [],
    authenticate: () => (caller ??= facts.authenticate()),
    askedCaller: () => caller,
    accountTasks: () => (loader ??= new DataLoader(async (ids) => facts.tasks.find(ids, await toCall(context)))),
  };
  return context;
}

/** The port's view of a request; throws where the caller is not credible, before anything is sent. */
export async function toCall(context: GatewayContext): Promise<Call> {
  return callOf(await context.authenticate(), context);
}

/** The same for the work that every call takes; a promise only where it takes time to know the caller. */
export function withCall<Result>(context: GatewayContext, work: (call: Call) => Promise<Result>): Promise<Result> {
  const caller = context.authenticate();
  if (caller instanceof Promise) return caller.then((known) => work(callOf(known, context)));
  return work(callOf(caller, context));
}

function callOf(caller: Caller, { requestId, beginStep }: GatewayContext): Call {
  return { caller, requestId, beginStep };
}
