import { randomUUID } from 'node:crypto';

const SAFE = /^[\w.:-]{1,128}$/;

/** The caller's own `X-Request-Id` where it is safe to log and to pass on, else a new one. */
export function toRequestId(header: string | null | undefined): string {
  return header && SAFE.test(header) ? header : randomUUID();
}
