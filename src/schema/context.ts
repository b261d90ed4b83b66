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
  /** Who calls; throws a `TaskFailure` (UNAUTHENTICATED, NOT_SENT) where the request does not say so credibly. */
  authenticate(): Promise<Caller>;
  /** What came of it, where somebody has asked; undefined: nobody has. */
  askedCaller(): Promise<Caller> | undefined;
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
  let caller: Promise<Caller> | undefined;
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
  return { caller: await context.authenticate(), requestId: context.requestId, beginStep: context.beginStep };
}
