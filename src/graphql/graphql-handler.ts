import type { IncomingMessage, ServerResponse } from 'node:http';
import { JSON_HEADERS, sendText } from '../http/answer.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { createBodyAllowance } from './limits/body-allowance.ts';
import type { Cors } from '../http/cors.ts';
import type { GraphiqlPage } from './graphiql.ts';
import type { GraphqlEndpoint } from './graphql-endpoint.ts';
import { type AnswerType, type RequestHead, prefersPage, readRequestHead } from './request-head.ts';
import { type RequestBodies, isText } from '../http/request-body.ts';
import { RequestRefusal } from '../http/request-refusal.ts';
import type { RequestRecord } from '../telemetry/request-record.ts';

export interface GraphqlHandlerOptions {
  readonly graphql: GraphqlEndpoint;
  readonly cors: Cors;
  /** Null: no GraphiQL. */
  readonly graphiql: GraphiqlPage | null;
  readonly bodies: RequestBodies;
  /** The credentials that a large body needs. */
  readonly authenticate: Authenticate;
  readonly maxBodyBytes: number;
  readonly maxAnonymousBodyBytes: number;
  /** Whether a GET that any page could send is answered unless a browser says that one did. */
  readonly simpleGets: boolean;
}

const NOT_TEXT = { status: 400, code: 'BAD_USER_INPUT' } as const;
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
  simpleGets,
  bodies,
  authenticate,
  maxBodyBytes,
  maxAnonymousBodyBytes,
}: GraphqlHandlerOptions) {
  const allowBody = createBodyAllowance({
    authenticate,
    maxBytes: maxBodyBytes,
    maxAnonymousBytes: maxAnonymousBodyBytes,
  });
  const askYoga = async (
    request: IncomingMessage,
    { bodyType, answerType }: RequestHead,
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
    const head = readRequestHead(request, simpleGets);
    if ('problem' in head) {
      const { status, problem, headers } = head;
      throw new RequestRefusal(problem, { status, code: status === 403 ? 'FORBIDDEN' : 'BAD_REQUEST', headers });
    }
    const allowed = allowBody(request);
    const { maxBytes, refuse } = allowed instanceof Promise ? await allowed : allowed;
    let body = await bodies.read(request, response, maxBytes);
    if (body === null) throw refuse();
    // A text that decoding changes would be created as it is then.
    if (!isText(body, head.bodyType)) throw new RequestRefusal("The request's body is not UTF-8.", NOT_TEXT);
    const known = head.bodyType === 'application/json' ? graphql.answerKnown(request, body, record) : null;
    if (!known) return askYoga(request, head, body, response, record);
    // A function that waits keeps its variables in memory.
    body = null;
    sendText(response, 200, ANSWER_HEADERS[head.answerType], await known);
  };
}
