/* The entry point `account-task-gateway/client`, for browsers and Node. */
export { compareTimestamps, parseTicks } from './compare-timestamps.ts';
export * from './generated/documents.ts';
export {
  forgetAccountTask,
  forgetTaskRun,
  type KeyStorage,
  type ListedStorage,
  pendingAccountTasks,
  pendingTaskRuns,
} from './kept-keys.ts';
export {
  type GraphqlOperation,
  type RunResult,
  type Send,
  submitAccountTask,
  type SubmitOptions,
  type SubmitResult,
  submitTaskRun,
} from './submit-account-task.ts';
export {
  type AnsweredFailure,
  type Failure,
  type NoAnswer,
  toFailure,
  type UnexpectedAnswer,
  type Withheld,
} from './to-failure.ts';
export type { TypedDocument } from './typed-document.ts';
