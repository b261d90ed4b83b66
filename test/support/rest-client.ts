import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** A request of which nothing is added on the way: fetch would send an Accept and a Content-Type of its own. */
export interface PlainRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

export interface PlainAnswer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly bytes: Buffer;
  /** Decoded by the charset that the answer names. */
  readonly text: string;
}

export const PATH = '/api/v2/admin/tasks/account';

export async function send(origin: URL, plain: PlainRequest): Promise<PlainAnswer> {
  const { method = 'POST', path = PATH, headers: given = {}, body } = plain;
  const { hostname, port } = origin;
  const headers = body === undefined ? given : { 'Content-Length': Buffer.byteLength(body), ...given };
  const sent = request({ hostname, port, method, path, headers, agent: false }).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = await response.toArray();
  const bytes = Buffer.concat(chunks);
  const charset = /charset=(.*)/.exec(response.headers['content-type'] ?? '')?.[1];
  return {
    status: response.statusCode ?? 0,
    header: (name) => response.headers[name]?.toString() ?? null,
    bytes,
    text: new TextDecoder(charset).decode(bytes),
  };
}
