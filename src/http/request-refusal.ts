import type { ServerResponse } from 'node:http';
import { sendError } from './answer.ts';
import type { Limit } from '../telemetry/metrics.ts';

export interface RefusalFacts {
  readonly status: number;
  readonly code: string;
  /** True where the same request may succeed later. */
  readonly retryable?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** The rest of the body is not wanted: the connection ends with the answer, unless all of it has arrived by then. */
  readonly isBodyUnwanted?: boolean;
  /** The bound that was reached; absent: there is no bound in it. */
  readonly limit?: Limit;
}

/** The connection ends with the answer: where the next request begins is not certain. */
export const CLOSING = { Connection: 'close' } as const;

/** A request that is refused before anything of it has run. Thrown by whatever is called for a request; the server answers it. */
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
