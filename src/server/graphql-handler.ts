import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendError, sendText } from './answer.ts';
import type { Cors } from './cors.ts';
import type { GraphiqlPage } from './graphiql.ts';
import type { GraphqlEndpoint } from './graphql-endpoint.ts';
import type { Metrics } from './metrics.ts';
import { readBody } from './request-body.ts';
import { noteFailure, type RequestRecord } from './request-record.ts';
import { isText } from './request-text.ts';
import { isOfAnotherOrigin, isSimpleRequest } from './simple-request.ts';

export interface GraphqlHandlerOptions {
  readonly graphql: GraphqlEndpoint;
  readonly cors: Cors;
  /** Null: no GraphiQL. */
  readonly graphiql: GraphiqlPage | null;
  readonly maxBodyBytes: number;
  readonly metrics: Metrics;
  /** Whether a GET that any page could send is answered unless a browser says that one did. */
  readonly simpleGets: boolean;
}

const FORGEABLE =
  'Any web page could have sent this request: send JSON with Content-Type: application/json, a bearer token, ' +
  'or the header Apollo-Require-Preflight.';

/** Brings node:http and the GraphQL endpoint together: answers for other origins, refuses what pages can forge, bounds the body, tries the fast lane, then asks Yoga. */
export function createGraphqlHandler({
  graphql,
  cors,
  graphiql,
  maxBodyBytes,
  simpleGets,
  metrics,
}: GraphqlHandlerOptions) {
  const isForgeable = (request: IncomingMessage): boolean => {
    const isAllowedGet = simpleGets && request.method === 'GET' && !isOfAnotherOrigin(request);
    return isSimpleRequest(request) && !isAllowedGet;
  };
  const refuseForgeable = (request: IncomingMessage, response: ServerResponse, record: RequestRecord): void => {
    request.resume();
    noteFailure(record, 'FORBIDDEN', 'NOT_SENT');
    sendError(response, 403, FORGEABLE, { code: 'FORBIDDEN', requestId: record.requestId });
  };
  const refuseLarge = (response: ServerResponse, record: RequestRecord): void => {
    metrics.countRefusal('body_bytes');
    noteFailure(record, 'BAD_USER_INPUT', 'NOT_SENT');
    const { requestId } = record;
    const problem = `The request's body is larger than ${maxBodyBytes} bytes.`;
    sendError(response, 413, problem, { code: 'BAD_USER_INPUT', requestId });
  };
  const askYoga = async (
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    record: RequestRecord,
  ): Promise<void> => {
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
    const answer = await graphql.fetch(
      // The Host header is the caller's to write and decides nothing here.
      `http://gateway${request.url}`,
      {
        method: request.method ?? 'GET',
        headers: request.headers as Record<string, string>,
        ...(hasBody ? { body: body as Buffer<ArrayBuffer> } : {}),
      },
      { requestId: record.requestId, record },
    );
    // The whole answer goes out with its length; how Yoga would have streamed it does not matter.
    const headers = Object.fromEntries(
      [...answer.headers].filter(([name]) => !/^(transfer-encoding|connection)$/i.test(name)),
    );
    sendText(response, answer.status, headers, await answer.text());
  };
  return async (request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> => {
    if (cors(request, response)) return;
    if (graphiql && request.method === 'GET' && request.headers.accept?.includes('text/html'))
      return graphiql.send(request, response);
    if (isForgeable(request)) return refuseForgeable(request, response, record);
    const body = await readBody(request, maxBodyBytes);
    if (body === null) return refuseLarge(response, record);
    // A text that decoding changes would be created as it is then.
    if (!isText(body, request.headers['content-type'])) return refuseOtherThanText(response, record);
    const known = graphql.answerKnown(request, body, record);
    if (!known) return askYoga(request, body, response, record);
    const { contentType, body: text } = await known;
    sendText(response, 200, { 'content-type': contentType }, text);
  };
}

function refuseOtherThanText(response: ServerResponse, record: RequestRecord): void {
  noteFailure(record, 'BAD_USER_INPUT', 'NOT_SENT');
  const { requestId } = record;
  sendError(response, 400, "The request's body is not UTF-8.", { code: 'BAD_USER_INPUT', requestId });
}
