import { TaskFailure } from '../contract/failure.ts';
import type { JsonObject } from '../contract/json-value.ts';
import { jsonSize } from './json-size.ts';

/** A value that was left out of an answer, whose operation ran nevertheless. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
}

export interface AnswerBounds {
  /** The largest answer, in bytes. */
  readonly maxBytes: number;
  /** The part of the answer that needs no reservation. */
  readonly freeBytes: number;
  /** Reserves memory that all answers share; false where all of it is taken. */
  readonly reserve: (bytes: number) => boolean;
  /** Called once, when something does not fit. */
  readonly onFull: () => void;
  readonly exclusiveTurn: () => Promise<void>;
}

/** The part of an answer around a value: its field's name, and a share of the objects and lists it is in. */
const FIELD_BYTES = 64;
/** A value of at most this size is always part of a mutation's answer. */
const SMALL_BYTES = 1_024;
const SHORT_DETAIL_BYTES = 4_096;
/** After so many values that did not fit, long ones are left out without being measured. */
const MAX_MEASURED = 20;
const RESERVATION_BYTES = 65_536;

/** The bytes that a field with this value takes of an answer, at the most. */
export function leafSize(value: unknown): number {
  return FIELD_BYTES + jsonSize(value);
}

/** The bytes that one answer may still take. Counted are the values of its fields, before they are written. */
export class AnswerBudget {
  /** True once a mutation runs: its answer says what it did, whatever room there is. */
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

  /** The bytes this answer has reserved of what all answers share. */
  get reservedBytes(): number {
    return Math.max(0, this.#allowed - this.#bounds.freeBytes);
  }

  /**
   * Takes bytes; false where the answer has no room for them.
   * @throws TaskFailure (OVERLOADED) where all answers together have none, unless this is a mutation's.
   */
  take(bytes: number): boolean {
    const taken = this.#taken + bytes;
    if (taken > this.#allowed && !this.#extend(taken)) return false;
    this.#taken = taken;
    return true;
  }

  /** Waits for a turn of the event loop in which nothing else of many bytes is read or written. */
  exclusiveTurn(): Promise<void> {
    return this.#bounds.exclusiveTurn();
  }

  /** The same before many bytes are written; a few are written at once. */
  async waitToWrite(bytes: number): Promise<void> {
    if (bytes > RESERVATION_BYTES) await this.exclusiveTurn();
  }

  /** Gives back what was taken ahead, so that it can be taken value by value. */
  release(bytes: number): void {
    this.#taken -= bytes;
  }

  /**
   * Takes the bytes of a field's value, and gives back what is to be written.
   * @throws AnswerTooLargeError where there is no room, or TaskFailure as `take` does.
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

  /** The short members of a Detail for which there is no room; `shortDetailsError` then says that others are missing. */
  shorten(detail: JsonObject): JsonObject {
    this.#hasShortDetails = true;
    return shortDetail(detail);
  }

  /** The error of an answer in which a Detail is not whole; null where each is. */
  get shortDetailsError(): AnswerTooLargeError | null {
    const problem = 'detail: long members were left out of at least one';
    return this.#hasShortDetails ? new AnswerTooLargeError(`${problem}: ${this.#reason()}`) : null;
  }

  /** The error of a value for which there is no room. */
  tooLargeError(): AnswerTooLargeError {
    return new AnswerTooLargeError(`The value was left out: ${this.#reason()}`);
  }

  #reason(): string {
    const bound = `an answer holds at most ${this.maxBytes} bytes`;
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
      'Too many answers have not been read by their callers yet; nothing more can be read at the moment.',
    );
  }
}

/** The members of a Detail that are always part of a mutation's answer. */
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
