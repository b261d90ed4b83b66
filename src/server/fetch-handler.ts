import type { RequestListener } from 'node:http';
import { createCollectedAnswer } from './collected-answer.ts';
import { createFetchedRequest } from './fetched-request.ts';

/** What a runtime knows of a request besides the Request. */
export interface FetchFacts {
  /** Of the connection; limits count by it, or by the X-Forwarded-For of a trusted proxy. Unknown: all callers count as one. */
  readonly remoteAddress?: string;
}

/** Answers a Request of the Fetch API; it rejects only when the caller has left, or the answer broke off. */
export type FetchHandler = (request: Request, facts?: FetchFacts) => Promise<Response>;

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
      // The rest of a body that is not wanted is dropped. To cancel it would reset the connection before the answer is read.
      incoming.resume();
    });
  };
}
