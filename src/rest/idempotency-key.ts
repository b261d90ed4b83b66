import { badInput } from '../contract/failure.ts';

const NAME = 'Idempotency-Key';
const NOT_IN_A_KEY = /[^\x20-\x7e]/;

/** The key that a request's Idempotency-Key headers give; null where it has none. Throws BAD_USER_INPUT for two, or one that is not ASCII. */
export function readIdempotencyKey(values: readonly string[]): string | null {
  const [key, ...others] = values;
  if (key === undefined) return null;
  // HTTP would have them read as one key that nobody sent.
  if (others.length > 0) throw badInput(NAME, 'is there more than once');
  // What encoding the bytes are in is not said; read in another they are the key of another create.
  if (NOT_IN_A_KEY.test(key)) throw badInput(NAME, 'holds a character that is not printable ASCII');
  return key;
}
