import { expect, test } from 'vitest';
import { killInRounds } from './support/crash-rounds.ts';

const TIMEOUT_MS = 180_000;

test(
  'kill -9 during a load on SQLite loses no task, doubles none and leaves no partial one',
  async () => {
    expect(await killInRounds('SQLite')).toEqual({ rounds: 20, lost: 0, doubled: 0 });
  },
  TIMEOUT_MS,
);
