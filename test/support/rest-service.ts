import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, type EnumTables } from '../../src/contract/enums.ts';
import type { JsonObject } from '../../src/contract/json-value.ts';
import { formatTimestamp } from '../../src/contract/timestamp.ts';
import { encodeAnswer, mediaTypes, readRequest, type WireFormat } from '../../src/wire/codec.ts';

/** One request that the service received. */
export interface RestRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RestReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface RestServiceOptions {
  /** The port of an earlier service; any free port by default. */
  readonly port?: number;
  readonly tables?: EnumTables;
  /**
   * Answers instead of the service, which then registers nothing; null leaves the request to the service.
   * If it throws, the connection is closed.
   */
  readonly answer?: (request: RestRequest) => RestReply | null | Promise<RestReply | null>;
}

export interface RestService {
  readonly url: URL;
  /** All requests, in order of arrival. */
  readonly requests: readonly RestRequest[];
  /** The Detail of each registered task, in order. */
  readonly tasks: readonly JsonObject[];
  readonly close: () => Promise<void>;
}

const DEFAULT_TABLES: EnumTables = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };
const PATH = '/api/v2/admin/tasks/account';

/** Starts a stand-in for the real service on loopback, which reads JSON and XML, and keeps tasks in memory. */
export async function startRestService(options: RestServiceOptions = {}): Promise<RestService> {
  const { tables = DEFAULT_TABLES, answer = () => null, port = 0 } = options;
  const requests: RestRequest[] = [];
  const tasks: JsonObject[] = [];

  const serve = (request: RestRequest): RestReply => {
    const format = formatOf(request);
    if (!request.path.endsWith(PATH)) return message(404, format, 'No HTTP resource was found.');
    if (request.method !== 'POST') return message(405, format, 'The method is not allowed.');
    if (!request.headers.authorization) return message(401, format, 'Authorization has been denied for this request.');
    const reading = readRequest(format, request.body, tables);
    if (reading.kind !== 'task') return message(400, format, reading.kind);
    const detail = toDetail(reading.task);
    tasks.push(detail);
    const ResponseData = { Identification: { UserId: 'user-1' }, Result: 'Created', Detail: detail };
    return reply(200, format, encodeAnswer(format, { Error: null, ResponseData }));
  };

  const receive = async (incoming: IncomingMessage): Promise<RestReply> => {
    const chunks: Buffer[] = await incoming.toArray();
    const { method = '', url: path = '', headers } = incoming;
    const request = { method, path, headers, body: Buffer.concat(chunks) };
    requests.push(request);
    return (await answer(request)) ?? serve(request);
  };
  const server = createServer((incoming, response) => {
    receive(incoming).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      (error: unknown) => response.destroy(error as Error),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    requests,
    tasks,
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

function toDetail(task: NewAccountTask): JsonObject {
  const now = formatTimestamp(Date.now());
  return {
    ID: randomUUID(),
    TaskID: task.TaskID,
    Name: 'Task',
    Enabled: true,
    Frequency: task.Frequency,
    StartDate: task.StartDate,
    FinishDate: task.FinishDate,
    Parameters: task.Parameters,
    ContentType: task.ContentType,
    Notification: task.Notification ?? 'NONE',
    DateCreated: now,
    DateModified: now,
    LastRunOn: null,
    LastRunBy: null,
    LastModifiedBy: 'user-1',
    Status: 'Registered',
    ClientID: randomUUID(),
  };
}

function formatOf({ headers }: RestRequest): WireFormat {
  return headers['content-type']?.includes('xml') ? 'xml' : 'json';
}

function message(status: number, format: WireFormat, text: string): RestReply {
  return reply(
    status,
    format,
    format === 'xml' ? `<Error><Message>${text}</Message></Error>` : `{"Message":"${text}"}`,
  );
}

function reply(status: number, format: WireFormat, body: string): RestReply {
  return { status, headers: { 'Content-Type': mediaTypes[format] }, body };
}
