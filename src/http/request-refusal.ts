import type { ServerResponse } from 'node:http';
import { sendError } from './answer.ts';
import type { Limit } from '../telemetry/metrics.ts';

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

/** Ends the connection with the answer, because the start of the next request is uncertain. */
export const CLOSING = { Connection: 'close' } as const;

/** The refusal of a request before any of it has run. Any code that handles a request may throw it; the server answers it. */
export class RequestRefusal extends Error {
  override readonly name = 'RequestRefusal';
  readonly facts: RefusalFacts;

  constructor(message: string, facts: RefusalFacts) {
    super(message);
    this.facts = facts;
  }

  send(response: ServerResponse, requestId: string): void {
    const { status, code, retryable = false, headers = {}, isBodyUnwanted = false } = this.facts;
    if (isBodyUnwanted && !response.req.complete) response.setHeader('Connection', 'close');
    sendError(response, status, this.message, { code, requestId, retryable }, headers);
  }
}
