import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, type EnumTables } from '../../src/contract/enums.ts';
import type { JsonObject } from '../../src/contract/json-value.ts';
import { OPERATIONS, type RequestBody } from '../../src/contract/operations.ts';
import type { WriteName } from '../../src/contract/task-service.ts';
import { formatTimestamp } from '../../src/contract/text-formats.ts';
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
  /** The Detail of each registered task, in order, as the last update left it. */
  readonly tasks: readonly JsonObject[];
  /** The IDs of the tasks that were run, in order. */
  readonly runs: readonly string[];
  /** The Detail of each client, in order. */
  readonly clients: readonly JsonObject[];
  readonly close: () => Promise<void>;
}

const DEFAULT_TABLES: EnumTables = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };
const PATHS: Readonly<Record<WriteName, RegExp>> = {
  create: /\/api\/v2\/admin\/tasks\/account$/,
  update: /\/api\/v1\/admin\/tasks\/account\/([\w-]{36})$/,
  run: /\/api\/v1\/admin\/tasks\/account\/run\?id=([\w-]{36})$/,
  createClient: /\/api\/v1\/admin\/clients$/,
};

/** Starts a stand-in for the real service on loopback, which reads JSON and XML, and keeps tasks in memory. */
export async function startRestService(options: RestServiceOptions = {}): Promise<RestService> {
  const { tables = DEFAULT_TABLES, answer = () => null, port = 0 } = options;
  const requests: RestRequest[] = [];
  const tasks: JsonObject[] = [];

  const runs: string[] = [];
  const clients: JsonObject[] = [];

  /** The Detail of the answer; null if there is no such task. */
  const carryOut = (name: WriteName, id: string, body: RequestBody): JsonObject | null => {
    if (name === 'createClient') return push(clients, { ID: randomUUID(), Name: body.Name, Secret: body.Secret });
    if (name === 'create') return push(tasks, toDetail(body));
    const index = tasks.findIndex(({ ID }) => ID === id);
    if (index === -1) return null;
    if (name === 'update') return (tasks[index] = updated(tasks[index] ?? {}, body));
    runs.push(id);
    return {};
  };
  const serve = (request: RestRequest): RestReply => {
    const format = formatOf(request);
    const name = (Object.keys(PATHS) as WriteName[]).find((key) => PATHS[key].test(request.path));
    if (name === undefined) return message(404, format, 'No HTTP resource was found.');
    const { method, body: model, answer: answerModel } = OPERATIONS[name];
    if (request.method !== method) return message(405, format, 'The method is not allowed.');
    if (!request.headers.authorization) return message(401, format, 'Authorization has been denied for this request.');
    const reading = model
      ? readRequest(format, request.body, tables, model)
      : ({ kind: request.body.length === 0 ? 'body' : 'unreadable', body: {} } as const);
    if (reading.kind !== 'body') return message(400, format, reading.kind);
    const Detail = carryOut(name, PATHS[name].exec(request.path)?.[1] ?? '', reading.body);
    if (!Detail) return message(404, format, 'There is no such task.');
    const ResponseData = { Identification: { UserId: 'user-1' }, Result: RESULTS[name], Detail };
    return reply(200, format, encodeAnswer(format, { Error: null, ResponseData }, answerModel));
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
    runs,
    clients,
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

const RESULTS: Readonly<Record<WriteName, string>> = {
  create: 'Created',
  update: 'Updated',
  run: 'Started',
  createClient: 'Created',
};

function push(list: JsonObject[], item: JsonObject): JsonObject {
  list.push(item);
  return item;
}

function toDetail(task: RequestBody): JsonObject {
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

/** A PUT replaces every member of the request. */
function updated(detail: JsonObject, body: RequestBody): JsonObject {
  const given = { StartDate: null, FinishDate: null, ...body, Notification: body.Notification ?? 'NONE' };
  return { ...detail, ...given, DateModified: formatTimestamp(Date.now()) };
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
