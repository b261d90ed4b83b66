import type { IncomingMessage, RequestListener } from 'node:http';
import { createCollectedAnswer } from './collected-answer.ts';
import { createFetchedRequest } from './fetched-request.ts';

/** What a runtime knows of a request besides the Request. */
export interface FetchFacts {
  /** Of the connection; limits count by it, or by the X-Forwarded-For of a trusted proxy. Unknown: all callers count as one. */
  readonly remoteAddress?: string;
}

/** Answers a Request of the Fetch API; it rejects only when the caller has left, or the answer broke off. */
export type FetchHandler = (request: Request, facts?: FetchFacts) => Promise<Response>;

const MAX_DROPPED_BYTES = 1_048_576;

/** A fetch handler over a handler of node's HTTP server: what guards the one guards the other. */
export function createFetchHandler(handle: RequestListener): FetchHandler {
  return (request, facts) => {
    const remoteAddress = typeof facts?.remoteAddress === 'string' ? facts.remoteAddress : '';
    const incoming = createFetchedRequest(request, remoteAddress);
    const { response, answer } = createCollectedAnswer(incoming);
    const leave = (): void => {
      incoming.destroy(new Error('The caller left.'));
      response.destroy(new Error('The caller left.'));
    };
    if (request.signal.aborted) leave();
    else request.signal.addEventListener('abort', leave, { once: true });
    handle(incoming, response);
    return answer.finally(() => {
      request.signal.removeEventListener('abort', leave);
      dropRest(incoming);
    });
  };
}

/**
 * Reads and drops what is left of a body that is not wanted: to cancel it at once would reset the connection of many a runtime
 * before the caller has read the answer. A body that goes on and on is cancelled.
 */
function dropRest(incoming: IncomingMessage): void {
  let bytes = 0;
  incoming.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > MAX_DROPPED_BYTES) incoming.destroy();
  });
  incoming.resume();
}
