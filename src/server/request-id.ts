import { randomUUID } from 'node:crypto';

const SAFE = /^[\w.:-]{1,128}$/;
/** All but the last twelve digits of a UUID, which are a number that grows: to make each of them at random costs more. */
const OF_PROCESS = randomUUID().slice(0, -12);
let given = 100_000_000_000;

/** The caller's own `X-Request-Id` where it is safe to log and to pass on, else a new one. */
export function toRequestId(header: string | null | undefined): string {
  return header && SAFE.test(header) ? header : `${OF_PROCESS}${(given += 1)}`;
}
