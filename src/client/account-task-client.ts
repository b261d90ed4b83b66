/* The entry point `account-task-gateway/client`, for browsers and Node. */
export { compareTimestamps, parseTicks } from './compare-timestamps.ts';
export * from './documents.ts';
export type { TypedDocument } from './typed-document.ts';
