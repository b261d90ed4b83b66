import { Buffer, isUtf8 } from 'node:buffer';
import { exclusiveTurn } from '../event-loop/turn-batch.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Limit } from '../telemetry/metrics.ts';
import type { GraphiqlPage } from './graphiql.ts';
import type { GraphqlEndpoint } from './graphql-endpoint.ts';
import { prefersGraphiql, readRequestHead } from './request-check.ts';
import { type Handler, type HttpRequest, RequestRefusal } from '../http/answer.ts';
import { toDeclaredBytes } from '../http/request-body.ts';
import { decodeFormText, FORM_TYPE } from '../wire/text-encoding.ts';
import { TaskFailure } from '../contract/failure.ts';

export interface GraphqlHandlerOptions {
  readonly graphql: GraphqlEndpoint;
  /** GraphiQL; null if it is off. */
  readonly graphiql: GraphiqlPage | null;
  /** Checks the credentials that a large body needs. */
  readonly authenticate: Authenticate;
  readonly maxBodyBytes: number;
  readonly maxAnonymousBodyBytes: number;
  /** True to answer a GET that any web page could send, unless the browser names another origin. */
  readonly simpleGets: boolean;
}

/** Encoding a longer answer takes many milliseconds. */
const MAX_SHARED_CHARACTERS = 262_144;

/** Answers requests at /graphql, in this order: GraphiQL, the refusals of the head, the bound of the body, the endpoint. */
export function createGraphqlHandler(options: GraphqlHandlerOptions): Handler {
  const { graphql, graphiql, simpleGets } = options;
  const allowBody = createBodyAllowance(options);
  return async (request, record) => {
    if (graphiql && prefersGraphiql(request)) return graphiql.answer(request);
    const head = readRequestHead(request, simpleGets);
    const allowed = allowBody(request);
    const { maxBytes, refusal } = allowed instanceof Promise ? await allowed : allowed;
    let body = await request.readBody(maxBytes);
    if (body === null) throw refusal;
    // Decoding would replace the invalid bytes, and the task would be created with other text than was sent.
    if (!isText(body, head.bodyType))
      throw new RequestRefusal("The request's body is not UTF-8.", { status: 400, code: 'BAD_USER_INPUT' });
    const answering = graphql.answer(request, head, body, record);
    // The pending function would otherwise keep the body in memory.
    body = null;
    const { status, headers, text } = await answering;
    return { status, headers, body: text.length > MAX_SHARED_CHARACTERS ? await encodeInTurns(text) : text };
  };
}

/** Returns true if a body, and the escapes of a form, are valid UTF-8. */
function isText(body: Buffer, mediaType: string): boolean {
  return isUtf8(body) && (mediaType !== FORM_TYPE || decodeFormText(body.toString()) !== null);
}

/** Encodes a large answer and resolves in another turn to write it, so that other callers are served in between. */
async function encodeInTurns(text: string): Promise<Buffer> {
  await exclusiveTurn();
  const bytes = Buffer.from(text);
  await exclusiveTurn();
  return bytes;
}

/** The largest body of a request, and the refusal of a larger one. */
interface BodyAllowance {
  readonly maxBytes: number;
  readonly refusal: RequestRefusal;
}

/**
 * Creates the function that decides from a request's headers how large its body may be. It checks credentials only if the
 * body exceeds, or could exceed, the bound of an anonymous caller.
 */
function createBodyAllowance({ authenticate, maxBodyBytes, maxAnonymousBodyBytes }: GraphqlHandlerOptions) {
  const known = toAllowance(maxBodyBytes, 'body_bytes');
  const anonymous = toAllowance(
    Math.min(maxBodyBytes, maxAnonymousBodyBytes),
    'anonymous_body_bytes',
    ', the limit without an Authorization header',
  );
  const decide = async (authorization: string): Promise<BodyAllowance> => {
    try {
      await authenticate(authorization);
      return known;
    } catch (error) {
      if (!(error instanceof TaskFailure)) throw error;
      const { code, message, retryable } = error;
      const answer =
        code === 'UNAUTHENTICATED' ? { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } } : { status: 503 };
      const facts = { ...answer, code, retryable, limit: 'anonymous_body_bytes' } as const;
      return { maxBytes: anonymous.maxBytes, refusal: new RequestRefusal(message, facts) };
    }
  };
  return ({ headers }: Pick<HttpRequest, 'headers'>): BodyAllowance | Promise<BodyAllowance> => {
    const declaredBytes = toDeclaredBytes(headers);
    if (declaredBytes <= anonymous.maxBytes) return anonymous;
    if (declaredBytes > maxBodyBytes && declaredBytes < Infinity) return known;
    const { authorization = '' } = headers;
    return authorization.trim() === '' ? anonymous : decide(authorization);
  };
}

function toAllowance(maxBytes: number, limit: Limit, condition = ''): BodyAllowance {
  const problem = `The request's body is larger than ${maxBytes} bytes${condition}.`;
  return { maxBytes, refusal: new RequestRefusal(problem, { status: 413, code: 'BAD_USER_INPUT', limit }) };
}
