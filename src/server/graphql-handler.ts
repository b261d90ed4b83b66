import type { IncomingMessage, ServerResponse } from 'node:http';
import { JSON_HEADERS, sendError, sendText } from './answer.ts';
import type { Cors } from './cors.ts';
import type { GraphiqlPage } from './graphiql.ts';
import type { GraphqlEndpoint } from './graphql-endpoint.ts';
import { type AnswerType, type GraphqlHead, type HeadRefusal, prefersPage, readGraphqlHead } from './graphql-head.ts';
import type { Metrics } from './metrics.ts';
import { readBody } from './request-body.ts';
import { noteFailure, type RequestRecord } from './request-record.ts';
import { isText } from './request-text.ts';

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

const ANSWER_HEADERS: Readonly<Record<AnswerType, Readonly<Record<string, string>>>> = {
  'application/json': JSON_HEADERS,
  'application/graphql-response+json': {
    ...JSON_HEADERS,
    'Content-Type': 'application/graphql-response+json; charset=utf-8',
  },
};

/** Brings node:http and the GraphQL endpoint together: answers for other origins, refuses by the head, bounds the body, tries the fast lane, then asks Yoga. */
export function createGraphqlHandler({
  graphql,
  cors,
  graphiql,
  maxBodyBytes,
  simpleGets,
  metrics,
}: GraphqlHandlerOptions) {
  const refuseLarge = (response: ServerResponse, record: RequestRecord): void => {
    metrics.countRefusal('body_bytes');
    noteFailure(record, 'BAD_USER_INPUT', 'NOT_SENT');
    const { requestId } = record;
    const problem = `The request's body is larger than ${maxBodyBytes} bytes.`;
    sendError(response, 413, problem, { code: 'BAD_USER_INPUT', requestId });
  };
  const askYoga = async (
    request: IncomingMessage,
    { bodyType, answerType }: GraphqlHead,
    body: Buffer,
    response: ServerResponse,
    record: RequestRecord,
  ): Promise<void> => {
    const hasBody = bodyType !== '';
    const answer = await graphql.fetch(
      // The Host header is the caller's to write and decides nothing here.
      `http://gateway${request.url}`,
      {
        method: request.method ?? 'GET',
        // Yoga reads neither header as HTTP has it: it is given what was made of them.
        headers: {
          ...(request.headers as Record<string, string>),
          accept: answerType,
          ...(hasBody ? { 'content-type': bodyType } : {}),
        },
        ...(hasBody ? { body: body as Buffer<ArrayBuffer> } : {}),
      },
      { requestId: record.requestId, record },
    );
    // The whole answer goes out with its length; how Yoga would have streamed it does not matter.
    const allow = answer.headers.get('allow');
    const headers = { ...ANSWER_HEADERS[answerType], ...(allow === null ? {} : { Allow: allow }) };
    sendText(response, answer.status, headers, await answer.text());
  };
  return async (request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> => {
    if (cors(request, response)) return;
    if (graphiql && prefersPage(request.method, request.headers)) return graphiql.send(request, response, record);
    const head = readGraphqlHead(request, simpleGets);
    if ('problem' in head) return refuse(head, request, response, record);
    const body = await readBody(request, maxBodyBytes);
    if (body === null) return refuseLarge(response, record);
    // A text that decoding changes would be created as it is then.
    if (!isText(body, head.bodyType)) return refuseOtherThanText(response, record);
    const known = head.bodyType === 'application/json' ? graphql.answerKnown(request, body, record) : null;
    if (!known) return askYoga(request, head, body, response, record);
    sendText(response, 200, ANSWER_HEADERS[head.answerType], await known);
  };
}

function refuse(
  { status, problem, headers }: HeadRefusal,
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
): void {
  request.resume();
  const code = status === 403 ? 'FORBIDDEN' : 'BAD_REQUEST';
  noteFailure(record, code, 'NOT_SENT');
  sendError(response, status, problem, { code, requestId: record.requestId }, headers);
}

function refuseOtherThanText(response: ServerResponse, record: RequestRecord): void {
  noteFailure(record, 'BAD_USER_INPUT', 'NOT_SENT');
  const { requestId } = record;
  sendError(response, 400, "The request's body is not UTF-8.", { code: 'BAD_USER_INPUT', requestId });
}
