import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** A Request of the Fetch API in the shape that handlers of node's HTTP server read. */
export function createFetchedRequest(request: Request, remoteAddress: string): IncomingMessage {
  const { pathname, search, host } = new URL(request.url);
  const isOfUnknownLength = request.body !== null && !request.headers.has('content-length');
  const headers: Readonly<Record<string, string>> = {
    host,
    ...(isOfUnknownLength && { 'transfer-encoding': 'chunked' }),
    // Fetch has joined those of one name already.
    ...Object.fromEntries(request.headers),
  };
  const body = request.body ? Readable.fromWeb(request.body as never) : Readable.from([]);
  const incoming = Object.assign(body, {
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    method: request.method,
    url: pathname + search,
    headers,
    headersDistinct: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    rawHeaders: Object.entries(headers).flat(),
    socket: Object.assign(new EventEmitter(), { remoteAddress }),
    complete: false,
  });
  incoming.once('end', () => (incoming.complete = true));
  // Whoever reads the body hears of it as well; without a listener it would end the process.
  incoming.on('error', () => undefined);
  return incoming as unknown as IncomingMessage;
}
