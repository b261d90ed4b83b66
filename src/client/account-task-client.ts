/* The entry point `account-task-gateway/client`, for browsers and Node. */
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

const SHAPE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)$/;
const TICKS_PER_MS = 10_000n;

/**
 * Compares two DateTimes for `sort`: negative, zero or positive as `a` is before, at or after `b`. A JavaScript Date would drop
 * the digits below a millisecond, and texts do not sort across offsets. @throws RangeError if one is not a timestamp
 */
export function compareTimestamps(a: string, b: string): number {
  const [ticksA, ticksB] = [a, b].map((text) => {
    const ticks = parseTicks(text);
    if (ticks === null) throw new RangeError(`Not a timestamp with an offset: ${text}`);
    return ticks;
  }) as [bigint, bigint];
  if (ticksA === ticksB) return 0;
  return ticksA < ticksB ? -1 : 1;
}

/** Returns a DateTime as 100 ns steps since 1970; null for text that is not one. */
export function parseTicks(text: string): bigint | null {
  const [, wholeSeconds, fraction = '', offset] = SHAPE.exec(text) ?? [];
  const epochMs = Date.parse(`${wholeSeconds}${offset}`);
  if (Number.isNaN(epochMs)) return null;
  return BigInt(epochMs) * TICKS_PER_MS + BigInt(fraction.padEnd(7, '0'));
}
