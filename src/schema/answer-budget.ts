import { TaskFailure } from '../contract/failure.ts';
import { type JsonObject, jsonSize } from '../contract/json-value.ts';

/** The error of a value that was left out because the answer would become too large. The operation ran all the same. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
}

export interface AnswerBounds {
  /** The maximum size of the answer. */
  readonly maxBytes: number;
  /** The part of the answer that needs no reservation. */
  readonly freeBytes: number;
  /** Reserves memory that all answers share; false if too little is left. */
  readonly reserve: (bytes: number) => boolean;
  /** Called once, when a value exceeds `maxBytes`. */
  readonly onFull: () => void;
  /** See exclusive-turn.ts. */
  readonly exclusiveTurn: () => Promise<void>;
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
  readonly #bounds: AnswerBounds;
  #taken = 0;
  #allowed: number;
  #leftOut = 0;
  #hasShortDetails = false;
  #isFull = false;

  constructor(bounds: AnswerBounds) {
    this.#bounds = bounds;
    this.#allowed = Math.min(bounds.freeBytes, bounds.maxBytes);
  }

  get maxBytes(): number {
    return this.#bounds.maxBytes;
  }

  /** The bytes that this answer has reserved from the memory that all answers share. */
  get reservedBytes(): number {
    return Math.max(0, this.#allowed - this.#bounds.freeBytes);
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
    return this.#bounds.exclusiveTurn();
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
    if (this.isMutation && bytes <= SMALL_BYTES) return this.#force(value, bytes);
    this.#leftOut += 1;
    if (!this.isMutation || !isNonNull) throw this.tooLargeError();
    const written = typeof value === 'object' && value !== null ? this.shorten(value as JsonObject) : value;
    return this.#force(written, leafSize(written));
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

  #force(value: unknown, bytes: number): unknown {
    this.#taken += bytes;
    return value;
  }

  #extend(taken: number): boolean {
    const { maxBytes, reserve, onFull } = this.#bounds;
    const isTooMuch = taken > maxBytes;
    const more = Math.min(Math.max(taken - this.#allowed, RESERVATION_BYTES), maxBytes - this.#allowed);
    if (!isTooMuch && reserve(more)) {
      this.#allowed += more;
      return true;
    }
    if (isTooMuch && !this.#isFull) onFull();
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
