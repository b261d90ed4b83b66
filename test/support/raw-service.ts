import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** One request in the bytes that arrived. */
export interface RawRequest {
  /** Request line and headers. */
  readonly head: string;
  readonly body: Buffer;
}

export interface RawService {
  readonly url: URL;
  readonly port: number;
  /** The complete requests, in order of arrival. */
  readonly posts: readonly RawRequest[];
  /** The number of connections that were made. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** Answers a request with any bytes; `count` is the number of requests that have arrived. */
export type RawAnswer = (socket: Socket, request: RawRequest, count: number) => void;

/** Starts a TCP server on loopback that reads HTTP requests and lets a test answer with any bytes, or none. */
export async function startRawService(answer: RawAnswer, port = 0): Promise<RawService> {
  const posts: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = received.toString('latin1', 0, headEnd);
      const bodyEnd = headEnd + 4 + Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
      if (received.length < bodyEnd) return;
      const request = { head, body: received.subarray(headEnd + 4, bodyEnd) };
      received = received.subarray(bodyEnd);
      posts.push(request);
      answer(socket, request, posts.length);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    url: new URL(`http://127.0.0.1:${bound}`),
    port: bound,
    posts,
    connections: () => connections,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** Builds an HTTP/1.1 response with a Content-Length. */
export function httpAnswer(status: number, body: string | Buffer = '', headers: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body);
  const head = [`HTTP/1.1 ${status} Status`, ...headers, `Content-Length: ${bytes.length}`, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}
