import { beforeEach, describe, expect, test } from 'vitest';
import { type UnreadAnswer, UnreadAnswers } from '../../src/schema/answer-budget.ts';

const KB = 1_024;
const MAX_UNREAD_MS = 30_000;

let nowMs = 0;
let refused: string[] = [];
let answers: UnreadAnswers;

beforeEach(() => {
  nowMs = 1_000;
  refused = [];
  answers = new UnreadAnswers({
    maxAnswerBytes: 1_000 * KB,
    maxPendingAnswerBytes: 1_000 * KB,
    onRefused: (limit) => refused.push(limit),
    exclusiveTurn: async () => undefined,
    nowMs: () => nowMs,
  });
});

/** An answer of which the caller has read nothing yet. */
class FakeAnswer implements UnreadAnswer {
  isCutOff = false;
  readonly unreadBytes: number;
  close: () => void = () => undefined;

  constructor(unreadBytes: number) {
    this.unreadBytes = unreadBytes;
  }

  onceClosed(work: () => void): void {
    this.close = work;
  }

  cutOff(): void {
    this.isCutOff = true;
    this.close();
  }
}

function write(bytes: number): FakeAnswer {
  const budget = answers.open();
  expect(budget.take(bytes)).toBe(true);
  const answer = new FakeAnswer(bytes);
  answers.close({ answer: budget }, answer);
  return answer;
}

function isAdmitted(bytes: number): boolean {
  const budget = answers.open();
  try {
    return budget.take(bytes);
  } catch {
    return false;
  } finally {
    // Its caller reads it at once.
    answers.close({ answer: budget }, new FakeAnswer(0));
  }
}

describe('an answer that its caller does not read', () => {
  test('is cut off after 30 seconds when another answer needs its memory, the oldest first', () => {
    const first = write(400 * KB);
    nowMs += 1;
    const second = write(400 * KB);
    nowMs += MAX_UNREAD_MS - 1;
    expect(isAdmitted(400 * KB)).toBe(false);
    expect([first.isCutOff, second.isCutOff]).toEqual([true, false]);
    expect(refused).toEqual(['pending_answer_bytes']);
    expect(isAdmitted(400 * KB)).toBe(true);
  });

  test('is kept for 30 seconds even if others are refused meanwhile', () => {
    const first = write(800 * KB);
    nowMs += MAX_UNREAD_MS - 1;
    expect(isAdmitted(400 * KB)).toBe(false);
    expect(first.isCutOff).toBe(false);
  });

  test('is kept for longer while there is memory for others', () => {
    const first = write(400 * KB);
    nowMs += 10 * MAX_UNREAD_MS;
    expect(isAdmitted(300 * KB)).toBe(true);
    expect(first.isCutOff).toBe(false);
    expect(refused).toEqual([]);
  });

  test('frees its memory once it is read', () => {
    const first = write(800 * KB);
    expect(isAdmitted(400 * KB)).toBe(false);
    first.close();
    expect(isAdmitted(400 * KB)).toBe(true);
  });
});
