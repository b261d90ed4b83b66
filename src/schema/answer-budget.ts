import { TaskFailure } from '../contract/failure.ts';
import { type JsonObject, jsonSize } from '../contract/json-value.ts';

/** The error of a value that was left out because the answer would become too large. The operation ran all the same. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
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

export interface UnreadAnswersOptions {
  /** The largest answer. */
  readonly maxAnswerBytes: number;
  /** The sum of all answers that are being built or that their callers have not read yet. */
  readonly maxPendingAnswerBytes: number;
  readonly onRefused: (limit: 'answer_bytes' | 'pending_answer_bytes') => void;
  /** Resolves in an event-loop turn in which no other large answer is read or written. */
  readonly exclusiveTurn: () => Promise<void>;
  /** The current time; `performance.now` unless given. */
  readonly nowMs?: () => number;
}

/** An answer up to this size is not refused while any room is left. */
const SMALL_ANSWER_BYTES = 65_536;
/** The share of the memory that large answers leave to small ones. */
const SHARE_OF_SMALL = 1 / 8;
/** When memory is short, an answer that has been unread for this long is cut off. */
const MAX_UNREAD_MS = 30_000;

/** The memory of all GraphQL answers, each from its first value until its caller has read it. */
export class UnreadAnswers {
  readonly options: Required<UnreadAnswersOptions>;
  #freeBytes: number;
  /** In the order of insertion, so the oldest comes first. */
  readonly #unread = new Map<UnreadAnswer, { readonly bytes: number; readonly sinceMs: number }>();

  constructor(options: UnreadAnswersOptions) {
    this.options = { nowMs: () => performance.now(), ...options };
    this.#freeBytes = options.maxPendingAnswerBytes;
  }

  /** Opens the budget of one more answer. */
  open(): AnswerBudget {
    return new AnswerBudget(this, this.#freeBytes > 0 ? SMALL_ANSWER_BYTES : 0);
  }

  /** Releases the budget of a request whose answer has been written. The bytes that its caller has not read stay counted. */
  readonly close = ({ answer: budget }: { answer: { reservedBytes: number } | null }, answer: UnreadAnswer): void => {
    if (budget) this.#freeBytes += budget.reservedBytes;
    // Most callers have read the whole answer by now.
    const bytes = answer.unreadBytes;
    if (bytes === 0) return;
    this.#freeBytes -= bytes;
    this.#unread.set(answer, { bytes, sinceMs: this.options.nowMs() });
    answer.onceClosed(() => this.#forget(answer));
  };

  /** Reserves memory; returns false if too little is left. */
  reserve(bytes: number): boolean {
    const { maxPendingAnswerBytes, onRefused, nowMs } = this.options;
    if (this.#freeBytes - bytes >= maxPendingAnswerBytes * SHARE_OF_SMALL) {
      this.#freeBytes -= bytes;
      return true;
    }
    const [oldest] = this.#unread;
    if (oldest && nowMs() - oldest[1].sinceMs >= MAX_UNREAD_MS) {
      this.#forget(oldest[0]);
      oldest[0].cutOff();
    }
    onRefused('pending_answer_bytes');
    return false;
  }

  #forget(answer: UnreadAnswer): void {
    this.#freeBytes += this.#unread.get(answer)?.bytes ?? 0;
    this.#unread.delete(answer);
  }
}

/** The bytes around a value: the name of its field and a share of the enclosing objects and lists. */
const FIELD_BYTES = 64;
/** Values up to this size are always part of a mutation's answer. */
const SMALL_BYTES = 1_024;
const SHORT_DETAIL_BYTES = 4_096;
/** After so many values that did not fit, long values are left out without being measured. */
const MAX_MEASURED = 20;
const RESERVATION_BYTES = 65_536;

/** An upper bound for the bytes of a leaf field with this value in an answer. */
export function leafSize(value: unknown): number {
  return FIELD_BYTES + jsonSize(value);
}

/** The budget of bytes for one answer (MAX_ANSWER_BYTES). The values of its fields are charged before they are written. */
export class AnswerBudget {
  /** True once a mutation runs. Its answer always says what it did, even over budget. */
  isMutation = false;
  readonly #memory: UnreadAnswers;
  /** The part of the answer that needs no reservation. */
  readonly #freeBytes: number;
  #taken = 0;
  #allowed: number;
  #leftOut = 0;
  #hasShortDetails = false;
  #isFull = false;

  constructor(memory: UnreadAnswers, freeBytes: number) {
    this.#memory = memory;
    this.#freeBytes = freeBytes;
    this.#allowed = Math.min(freeBytes, this.maxBytes);
  }

  get maxBytes(): number {
    return this.#memory.options.maxAnswerBytes;
  }

  /** The bytes that this answer has reserved from the memory that all answers share. */
  get reservedBytes(): number {
    return Math.max(0, this.#allowed - this.#freeBytes);
  }

  /**
   * Charges bytes; returns false, without charging, if they exceed the budget.
   * @throws TaskFailure (OVERLOADED) if the memory that all answers share is used up, unless a mutation runs.
   */
  take(bytes: number): boolean {
    const taken = this.#taken + bytes;
    if (taken > this.#allowed && !this.#extend(taken)) return false;
    this.#taken = taken;
    return true;
  }

  /** Waits for an event-loop turn in which no other large answer is read or written. */
  exclusiveTurn(): Promise<void> {
    return this.#memory.options.exclusiveTurn();
  }

  /** Waits for such a turn if `bytes` are many. */
  async waitToWrite(bytes: number): Promise<void> {
    if (bytes > RESERVATION_BYTES) await this.exclusiveTurn();
  }

  /** Returns bytes that were charged in advance; their values are then charged one by one as they are written. */
  release(bytes: number): void {
    this.#taken -= bytes;
  }

  /**
   * Charges the value of a field and returns what to write: the value, or of a non-null Detail of a mutation its short members.
   * @throws AnswerTooLargeError if the value exceeds the budget; TaskFailure as `take` does.
   */
  admit(value: unknown, isNonNull: boolean): unknown {
    const isMeasured = this.#leftOut < MAX_MEASURED || !isLong(value);
    const bytes = isMeasured ? leafSize(value) : Number.POSITIVE_INFINITY;
    if (this.take(bytes)) return value;
    if (this.isMutation && bytes <= SMALL_BYTES) {
      this.#taken += bytes;
      return value;
    }
    this.#leftOut += 1;
    if (!this.isMutation || !isNonNull) throw this.tooLargeError();
    const written = typeof value === 'object' && value !== null ? this.shorten(value as JsonObject) : value;
    this.#taken += leafSize(written);
    return written;
  }

  /** Returns the short members of a Detail that exceeds the budget; `shortDetailsError` then reports that others are missing. */
  shorten(detail: JsonObject): JsonObject {
    this.#hasShortDetails = true;
    return shortDetail(detail);
  }

  /** The error of an answer with an incomplete Detail; null if all are complete. */
  get shortDetailsError(): AnswerTooLargeError | null {
    const problem = 'detail: long members were left out of at least one';
    return this.#hasShortDetails ? new AnswerTooLargeError(`${problem}: ${this.#reason()}`) : null;
  }

  /** The error of a value that exceeds the budget. */
  tooLargeError(): AnswerTooLargeError {
    return new AnswerTooLargeError(`The value was left out: ${this.#reason()}`);
  }

  #reason(): string {
    const bound = `an answer has at most ${this.maxBytes} bytes`;
    return this.isMutation
      ? `${bound}, and fewer while many answers wait to be read. The operation ran nevertheless.`
      : `${bound}. Ask for fewer tasks or fields in one request.`;
  }

  #extend(taken: number): boolean {
    const isTooMuch = taken > this.maxBytes;
    const more = Math.min(Math.max(taken - this.#allowed, RESERVATION_BYTES), this.maxBytes - this.#allowed);
    if (!isTooMuch && this.#memory.reserve(more)) {
      this.#allowed += more;
      return true;
    }
    if (isTooMuch && !this.#isFull) this.#memory.options.onRefused('answer_bytes');
    this.#isFull ||= isTooMuch;
    if (isTooMuch || this.isMutation) return false;
    throw new TaskFailure(
      { code: 'OVERLOADED', outcome: 'NOT_SENT' },
      'Too many answers wait to be read by their callers, so nothing more can be read now.',
    );
  }
}

/** Returns the short members of a Detail, up to 4 KB, which are always part of a mutation's answer. */
export function shortDetail(detail: JsonObject): JsonObject {
  let left = SHORT_DETAIL_BYTES;
  const kept = Object.entries(detail).filter(([name, value]) => {
    const bytes = isLong(value) ? left : jsonSize(name) + jsonSize(value);
    if (bytes >= left) return false;
    left -= bytes;
    return true;
  });
  return Object.fromEntries(kept);
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' ? value.length > SMALL_BYTES : typeof value === 'object' && value !== null;
}
