import { exclusiveTurn } from '../../event-loop/exclusive-turn.ts';
import { AnswerBudget } from '../../schema/answer-budget.ts';
import type { RequestRecord } from '../../telemetry/request-record.ts';

/** Bounds the memory of GraphQL answers, from the first value of an answer until its caller has read it. */
export interface UnreadAnswersOptions {
  /** The largest GraphQL answer. */
  readonly maxAnswerBytes: number;
  /** The sum of all answers that are being built or that their callers have not read yet. */
  readonly maxPendingAnswerBytes: number;
  readonly onRefused: (limit: 'answer_bytes' | 'pending_answer_bytes') => void;
  /** The current time; `performance.now` unless given. */
  readonly nowMs?: () => number;
}

/** An answer that has been written, as its adapter knows it. */
export interface UnreadAnswer {
  /** The bytes that are still in memory. */
  readonly unreadBytes: number;
  /** Calls back when the answer is read or its connection has ended. */
  onceClosed(work: () => void): void;
  /** Ends the connection. */
  cutOff(): void;
}

export interface UnreadAnswers {
  /** Opens the budget of one more GraphQL answer. */
  open(): AnswerBudget;
  /** Releases the budget of a request whose answer has been written. The bytes that its caller has not read stay counted. */
  readonly close: (record: Pick<RequestRecord, 'answer'>, answer: UnreadAnswer) => void;
}

/** An answer up to this size is not refused while any room is left. */
const SMALL_ANSWER_BYTES = 65_536;
/** The share of the memory that large answers leave to small ones. */
const SHARE_OF_SMALL = 1 / 8;
/** When memory is short, an answer that has been unread for this long is cut off. */
const MAX_UNREAD_MS = 30_000;

export function createUnreadAnswers(options: UnreadAnswersOptions): UnreadAnswers {
  const { maxAnswerBytes, maxPendingAnswerBytes, onRefused, nowMs = () => performance.now() } = options;
  let freeBytes = maxPendingAnswerBytes;
  /** In the order of insertion, so the oldest comes first. */
  const unread = new Map<UnreadAnswer, { readonly bytes: number; readonly sinceMs: number }>();
  const forget = (answer: UnreadAnswer): void => {
    freeBytes += unread.get(answer)?.bytes ?? 0;
    unread.delete(answer);
  };
  const cutOffOldest = (): void => {
    const [oldest] = unread;
    if (!oldest || nowMs() - oldest[1].sinceMs < MAX_UNREAD_MS) return;
    forget(oldest[0]);
    oldest[0].cutOff();
  };
  const bounds = {
    maxBytes: maxAnswerBytes,
    reserve(bytes: number): boolean {
      if (freeBytes - bytes < maxPendingAnswerBytes * SHARE_OF_SMALL) {
        cutOffOldest();
        onRefused('pending_answer_bytes');
        return false;
      }
      freeBytes -= bytes;
      return true;
    },
    onFull: () => onRefused('answer_bytes'),
    exclusiveTurn,
  };
  const boundsWithRoom = { ...bounds, freeBytes: SMALL_ANSWER_BYTES };
  const boundsWithoutRoom = { ...bounds, freeBytes: 0 };
  return {
    open: () => new AnswerBudget(freeBytes > 0 ? boundsWithRoom : boundsWithoutRoom),
    close({ answer: budget }, answer) {
      if (budget) freeBytes += budget.reservedBytes;
      // Most callers have read the whole answer by now.
      const bytes = answer.unreadBytes;
      if (bytes === 0) return;
      freeBytes -= bytes;
      unread.set(answer, { bytes, sinceMs: nowMs() });
      answer.onceClosed(() => forget(answer));
    },
  };
}
