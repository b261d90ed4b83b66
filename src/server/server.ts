import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { GraphqlEndpoint } from './graphql-endpoint.ts';
import type { GraphiqlPage } from './graphiql.ts';
import type { Log } from './log.ts';
import { readBody } from './request-body.ts';
import { toRequestId } from './request-id.ts';

export interface ServerOptions {
  readonly graphql: GraphqlEndpoint;
  /** Null: no GraphiQL. */
  readonly graphiql: GraphiqlPage | null;
  /** Resolves when the backend can serve; throws an Error that says why it cannot. */
  readonly ready: () => Promise<void>;
  readonly maxBodyBytes: number;
  readonly log: Log;
}

export interface GatewayServer {
  /** Resolves with the address once requests are accepted. */
  listen(host: string, port: number): Promise<URL>;
  /** Accepts no more connections, finishes the requests in flight, then resolves. */
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, requestId: string) => Promise<void>;

const REQUEST_TIMEOUT_MS = 30_000;

/** The HTTP server: one handler a path. */
export function createGatewayServer(options: ServerOptions): GatewayServer {
  const { log } = options;
  const routes: Readonly<Record<string, Handler>> = {
    '/graphql': graphqlHandler(options),
    '/health': async (_, response) => sendJson(response, 200, { status: 'ok' }),
    '/ready': async (_, response, requestId) => {
      try {
        await options.ready();
        sendJson(response, 200, { status: 'ready' });
      } catch (error) {
        log.warn({ requestId, err: error }, 'not ready');
        sendJson(response, 503, { status: 'not ready', problem: 'the backend does not answer' });
      }
    },
  };
  let isClosing = false;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    const requestId = toRequestId(request.headers['x-request-id']?.toString());
    response.setHeader('X-Request-Id', requestId);
    if (isClosing) response.setHeader('Connection', 'close');
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const handle = routes[path] ?? notFound;
    handle(request, response, requestId).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return; // the caller left before the request was whole
      log.error({ requestId, err: error }, 'unexpected error');
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 'Unexpected error.', { code: 'INTERNAL_SERVER_ERROR', requestId });
    });
  });
  return {
    listen: (host, port) => listen(server, host, port),
    close: () =>
      new Promise((resolve, reject) => {
        isClosing = true;
        server.close((error) => (error ? reject(error) : resolve()));
      }),
  };
}

function graphqlHandler({ graphql, graphiql, maxBodyBytes }: ServerOptions): Handler {
  return async (request, response, requestId) => {
    if (graphiql && request.method === 'GET' && request.headers.accept?.includes('text/html')) {
      await graphiql.send(request, response);
      return;
    }
    const body = await readBody(request, maxBodyBytes);
    if (body === null) {
      sendError(response, 413, `The request's body is larger than ${maxBodyBytes} bytes.`, {
        code: 'BAD_USER_INPUT',
        requestId,
      });
      return;
    }
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
    const answer = await graphql.fetch(
      // The Host header is the caller's to write and decides nothing here.
      `http://gateway${request.url}`,
      {
        method: request.method ?? 'GET',
        headers: request.headers as Record<string, string>,
        ...(hasBody ? { body: body as Buffer<ArrayBuffer> } : {}),
      },
      { requestId },
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  };
}

const notFound: Handler = async (_, response, requestId) =>
  sendError(response, 404, 'There is nothing at this path; GraphQL is at /graphql.', {
    code: 'BAD_USER_INPUT',
    requestId,
  });

/** An error of HTTP itself, in GraphQL's shape: nothing ran, nothing was sent. */
function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  facts: { readonly code: string; readonly requestId: string },
): void {
  sendJson(response, status, {
    errors: [{ message, extensions: { ...facts, outcome: 'NOT_SENT', retryable: false } }],
  });
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response
    .writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}

function listen(server: Server, host: string, port: number): Promise<URL> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      const actualPort = typeof address === 'object' && address ? address.port : port;
      resolve(new URL(`http://${host.includes(':') ? `[${host}]` : host}:${actualPort}/`));
    });
  });
}
