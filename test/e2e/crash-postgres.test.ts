import { expect, test } from 'vitest';
import { killInRounds } from './support/crash-rounds.ts';

const TIMEOUT_MS = 180_000;

test(
  'on PostgreSQL kill -9 in the middle of a load loses nothing, doubles nothing and leaves no half',
  async () => {
    expect(await killInRounds('PostgreSQL')).toEqual({ rounds: 20, lost: 0, doubled: 0 });
  },
  TIMEOUT_MS,
);
