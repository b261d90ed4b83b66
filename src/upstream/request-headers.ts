import type { TaskFailure } from '../contract/failure.ts';
import { unwritable } from './transport-failure.ts';

export type Headers = Readonly<Record<string, string>>;

const NOT_IN_A_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

/** What undici would refuse in words of its own. */
export function findUnwritable(headers: Headers): TaskFailure | null {
  for (const name in headers) if (NOT_IN_A_HEADER.test(headers[name] ?? '')) return unwritable(name);
  return null;
}

/** All headers of a request as undici takes them with the least ado, names and values in turn; `fixed` is such a list already. */
export function toHeaderList(fixed: readonly string[], ...others: readonly Headers[]): string[] {
  const list = [...fixed];
  for (const headers of others) for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}
