import type { ServerResponse } from 'node:http';
import { exclusiveTurn } from '../../event-loop/exclusive-turn.ts';
import { AnswerBudget } from '../../schema/answer-budget.ts';

export interface UnreadAnswersOptions {
  /** One GraphQL answer. */
  readonly maxAnswerBytes: number;
  /** All answers that are being made, or that their callers have not read yet. */
  readonly maxPendingAnswerBytes: number;
  readonly onRefused: (limit: 'answer_bytes' | 'pending_answer_bytes') => void;
}

/** The memory that answers take until their callers have read them. */
export interface UnreadAnswers {
  /** The budget of one more GraphQL answer. */
  open(): AnswerBudget;
  /** Ends the budget, if there is one, of an answer that has been written; what its caller has not read stays counted until it is. */
  close(budget: Pick<AnswerBudget, 'reservedBytes'> | null, response: ServerResponse): void;
}

/** A smaller answer is not refused as long as there is any room: large ones leave it an eighth. */
const SMALL_ANSWER_BYTES = 65_536;
const SHARE_OF_SMALL = 1 / 8;
/** An answer that is read more slowly than this makes room for others. */
const PATIENCE_MS = 30_000;

export function createUnreadAnswers(options: UnreadAnswersOptions): UnreadAnswers {
  const { maxAnswerBytes, maxPendingAnswerBytes, onRefused } = options;
  let left = maxPendingAnswerBytes;
  /** The oldest first. */
  const unread = new Map<ServerResponse, { readonly bytes: number; readonly sinceMs: number }>();
  const forget = (response: ServerResponse): void => {
    left += unread.get(response)?.bytes ?? 0;
    unread.delete(response);
  };
  const cutOffSlowest = (): void => {
    const [slowest] = unread;
    if (!slowest || performance.now() - slowest[1].sinceMs < PATIENCE_MS) return;
    forget(slowest[0]);
    slowest[0].destroy();
  };
  const bounds = {
    maxBytes: maxAnswerBytes,
    reserve(bytes: number): boolean {
      if (left - bytes < maxPendingAnswerBytes * SHARE_OF_SMALL) {
        cutOffSlowest();
        onRefused('pending_answer_bytes');
        return false;
      }
      left -= bytes;
      return true;
    },
    onFull: () => onRefused('answer_bytes'),
    exclusiveTurn,
  };
  return {
    open: () => new AnswerBudget({ ...bounds, freeBytes: left > 0 ? SMALL_ANSWER_BYTES : 0 }),
    close(budget, response) {
      if (budget) left += budget.reservedBytes;
      // Most callers have all of it by now.
      const bytes = response.destroyed ? 0 : response.writableLength;
      if (bytes === 0) return;
      left -= bytes;
      unread.set(response, { bytes, sinceMs: performance.now() });
      response.once('close', () => forget(response));
    },
  };
}
