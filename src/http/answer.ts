/** Requests and answers as data: the input and output of handlers, and the refusals that they throw. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Limit } from '../telemetry/metrics.ts';
import type { RequestRecord } from '../telemetry/request-record.ts';

/** A request as data, whichever way it arrived. */
export interface HttpRequest {
  readonly method: string;
  /** The path and query, with and without a proxy. */
  readonly url: string;
  /** In Node's form: names in lower case, the values of a repeated header joined or only the first. */
  readonly headers: IncomingHttpHeaders;
  /** The names and values as they were sent, in turn. */
  readonly rawHeaders: readonly string[];
  readonly httpVersionMinor: number;
  /** The peer of the connection; empty if it is unknown. */
  readonly remoteAddress: string;
  /**
   * Reads the body, and sends "100 Continue" to a caller that waits for it. Resolves with null as soon as the body is known to
   * be larger than `maxBytes`; no more of it is read before the answer is sent.
   * @throws RequestRefusal if there is no room for it.
   */
  readBody(maxBytes: number): Promise<Buffer | null>;
}

/** Answers a request. A RequestRefusal that it throws is sent to the caller. */
export type Handler = (request: HttpRequest, record: RequestRecord) => Promise<Answer>;

/** An answer as data. An adapter sends it with its length and the headers that every answer has. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for a status without a body. */
  readonly body: string | Uint8Array | null;
}

/** The headers of an answer in JSON: no cache may store it, and no browser may take it for a page or a script. */
export const JSON_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

/** Ends the connection with the answer, because the start of the next request is uncertain. */
export const CLOSING = { Connection: 'close' } as const;

export interface ErrorFacts {
  readonly code: string;
  readonly requestId: string;
  readonly outcome?: 'UNKNOWN';
  readonly retryable?: boolean;
}

export function jsonAnswer(status: number, value: object, headers = JSON_HEADERS): Answer {
  return { status, headers, body: JSON.stringify(value) };
}

/** Returns an HTTP error in GraphQL's shape. Its outcome is NOT_SENT unless `facts` say otherwise. */
export function errorAnswer(
  status: number,
  message: string,
  facts: ErrorFacts,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: errorBody(message, facts) };
}

/** Returns the body of an error. If the outcome is UNKNOWN, the operation may have run, so the body has a `data` member. */
export function errorBody(message: string, facts: ErrorFacts): string {
  const errors = [{ message, extensions: { outcome: 'NOT_SENT', retryable: false, ...facts } }];
  return JSON.stringify(facts.outcome === 'UNKNOWN' ? { errors, data: null } : { errors });
}

export interface RefusalFacts {
  readonly status: number;
  readonly code: string;
  /** True if the same request may succeed later. */
  readonly retryable?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** True to end the connection with the answer, unless the whole body has arrived by then. */
  readonly isBodyUnwanted?: boolean;
  /** The limit that was exceeded; absent if the refusal is not about a limit. */
  readonly limit?: Limit;
}

/** The refusal of a request before any of it has run. Any code that handles a request may throw it. */
export class RequestRefusal extends Error {
  override readonly name = 'RequestRefusal';
  readonly facts: RefusalFacts;

  constructor(message: string, facts: RefusalFacts) {
    super(message);
    this.facts = facts;
  }

  /** @param isComplete true if the whole request has arrived. */
  toAnswer(requestId: string, isComplete: boolean): Answer {
    const { status, code, retryable = false, headers, isBodyUnwanted = false } = this.facts;
    const closing = isBodyUnwanted && !isComplete ? CLOSING : {};
    return errorAnswer(status, this.message, { code, requestId, retryable }, { ...headers, ...closing });
  }
}
