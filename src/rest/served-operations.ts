import type { NewAccountTask, ClientOrder } from '../contract/account-task.ts';
import { badInput, type FailureCode } from '../contract/failure.ts';
import type { JsonObject } from '../contract/json-value.ts';
import { type Operation, OPERATIONS, type RequestBody } from '../contract/operations.ts';
import type { WriteInput, WriteName, WriteResult } from '../contract/task-service.ts';

/** How the REST face serves a write, besides what `OPERATIONS` says of it. */
interface Served<Name extends WriteName> {
  /** For OpenAPI, as is the summary. */
  readonly operationId: string;
  readonly summary: string;
  /** The failures that it can have in store mode. */
  readonly codes: readonly FailureCode[];
  /** @param id The GUID in the URL, hyphenated and lower-case; empty if its path has none. */
  readonly toInput: (body: RequestBody, id: string) => WriteInput<Name>;
  readonly toDetail: (result: WriteResult<Name>) => JsonObject | null;
}

const OF_ALL = ['BAD_USER_INPUT', 'UNAUTHENTICATED', 'STORE_UNAVAILABLE', 'UPSTREAM_UNREACHABLE'] as const;
const OF_STORED = [...OF_ALL, 'OVERLOADED', 'STORE_FAILED'] as const;
const OF_TASKS = [...OF_STORED, 'CLIENT_REQUIRED', 'TASK_NOT_FOUND'] as const;

export const SERVED: { readonly [Name in WriteName]: Served<Name> } = {
  create: {
    operationId: 'createAccountTask',
    summary: 'Registers a task on the account.',
    codes: [...OF_TASKS, 'IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_IN_PROGRESS'],
    toInput: (body) => body as NewAccountTask,
    toDetail: ({ accountTask }) => accountTask.detail,
  },
  update: {
    operationId: 'updateAccountTask',
    summary: 'Replaces a task of the account, and switches it on or off.',
    codes: [...OF_TASKS, 'ACCOUNT_TASK_NOT_FOUND'],
    toInput: ({ Enabled, ...task }, id) => {
      // The contract calls it optional, but a default could switch the task off unnoticed.
      if (typeof Enabled !== 'boolean') throw badInput('Enabled', 'is required');
      return { id, enabled: Enabled, task: task as NewAccountTask, ifModified: null };
    },
    toDetail: ({ accountTask }) => accountTask && accountTask.detail,
  },
  run: {
    operationId: 'runAccountTask',
    summary: 'Runs a task of the account now. A store runs no tasks, so it answers 501.',
    codes: [...OF_ALL, 'NOT_SUPPORTED'],
    toInput: (_, id) => ({ id }),
    toDetail: () => ({}),
  },
  createClient: {
    operationId: 'createClient',
    summary: 'Adds an API client to the account. Its secret is shown only once.',
    codes: [...OF_STORED, 'FORBIDDEN'],
    toInput: (body) => body as unknown as ClientOrder,
    toDetail: ({ ID, Name, Secret }) => ({ ID, Name, Secret }),
  },
};

/** The answers that have the shape of the framework, by status. */
export function frameworkAnswers({ path, body }: Operation): Readonly<Record<number, string>> {
  return {
    400: 'The request cannot be read or bound.',
    401: 'The credentials are missing or were not accepted.',
    ...(path.includes('?') && { 404: 'The URL has no id.' }),
    ...(body && { 413: 'The body is too large.', 415: 'The Content-Type is not supported.' }),
    500: 'A defect of the gateway, described in its log. It may have been done.',
  };
}

/** A write that a request asks for, or the methods that its path allows: none if there is no such path. */
export type FoundWrite =
  | { readonly name: WriteName; readonly id: string | null }
  | { readonly allowed: readonly string[] };

const ROUTES = (Object.keys(OPERATIONS) as WriteName[]).map((name) => {
  const { method, path } = OPERATIONS[name];
  const [place = '', query] = path.split('?');
  const pattern = new RegExp(`^/${place.replace('{id}', '([^/]+)')}/?$`, 'i');
  return { name, method, pattern, hasQuery: query !== undefined };
});

/** Finds the write of a URL, whose path matches in any case. Without a parameter that it needs, there is no such path. */
export function findServed(method: string, url: string): FoundWrite {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const matches = ROUTES.filter(({ pattern }) => pattern.test(path));
  const found = matches.find((route) => route.method === method);
  if (!found) return { allowed: matches.map((route) => route.method) };
  const { name, pattern, hasQuery } = found;
  const id = hasQuery ? queryId(query) : decodePart(pattern.exec(path)?.[1]);
  return hasQuery && id === null ? { allowed: [] } : { name, id };
}

function queryId(query: string): string | null {
  return [...new URLSearchParams(query)].find(([name]) => name.toLowerCase() === 'id')?.[1] ?? null;
}

function decodePart(part: string | undefined): string | null {
  try {
    return part === undefined ? null : decodeURIComponent(part);
  } catch {
    return part ?? null;
  }
}
