import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** A request that is sent without added headers; fetch would add its own Accept and Content-Type. */
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
  /** The body, decoded with the charset of its Content-Type. */
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
    get text() {
      return new TextDecoder(charset).decode(bytes);
    },
  };
}
