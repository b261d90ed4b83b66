/* The entry point `account-task-gateway/client`, for browsers and Node. */
export { compareTimestamps, parseTicks } from './compare-timestamps.ts';
export * from './generated/documents.ts';
export { forgetAccountTask, type KeyStorage, pendingAccountTasks } from './kept-keys.ts';
export {
  type GraphqlOperation,
  type Send,
  submitAccountTask,
  type SubmitOptions,
  type SubmitResult,
  type Withheld,
} from './submit-account-task.ts';
export { type AnsweredFailure, type Failure, type NoAnswer, toFailure, type UnexpectedAnswer } from './to-failure.ts';
export type { TypedDocument } from './typed-document.ts';
