import { KEY_REFUSAL } from '../app/upstream-backend.ts';
import type { Config } from '../app/config.ts';
import { checkedTaskService } from '../contract/checked-task-service.ts';
import type { CreatedAccountTask, NewAccountTask } from '../contract/account-task.ts';
import { badInput, TaskFailure } from '../contract/failure.ts';
import type { CreateCall, TaskService } from '../contract/task-service.ts';
import { createSchema } from '../schema/schema.ts';
import { createGraphqlEndpoint } from '../graphql/graphql-endpoint.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createUnreadAnswers } from '../graphql/limits/unread-answers.ts';
import type { UpstreamClient, UpstreamRequest } from '../upstream/client.ts';
import { createUpstreamTaskService } from '../upstream/upstream-task-service.ts';
import { encodeAnswer, mediaTypes, type WireFormat } from '../wire/codec.ts';
import { xmlProblem } from '../wire/xml-document.ts';

/** The request that a create would send in this format, or the reason that it cannot be sent. */
export type ExplainedRequest = UpstreamRequest | { readonly problem: string };

export type ExplainedCreate = Readonly<Record<WireFormat, ExplainedRequest>>;

export interface Explanation {
  readonly creates: readonly ExplainedCreate[];
  /** The problems that would keep creates from being sent, as `CODE: message`. */
  readonly problems: readonly string[];
}

/** A request of GraphQL over HTTP. */
export interface GraphqlRequest {
  readonly query: string;
  readonly variables?: unknown;
  readonly operationName?: unknown;
}

interface Answer {
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

interface Attempt {
  readonly request: ExplainedRequest;
  readonly created: CreatedAccountTask | TaskFailure;
}

/** Stands for a secret in a header's value; a shell expands it. */
const TOKEN_VARIABLE = '$TOKEN';
const AUTHORIZATION = `Bearer ${TOKEN_VARIABLE}`;
/** A made-up answer of the service, which is not shown. */
const CREATED_ID = '00000000-0000-4000-8000-000000000000';

/** Runs a request through every step of a create, up to the point where its bytes would be sent. */
export async function explainCreates(request: GraphqlRequest, config: Config): Promise<Explanation> {
  const creates: ExplainedCreate[] = [];
  const problems = new Set<string>();
  const tasks = explainedTaskService(config, (create) => void creates.push(create));
  const endpoint = createGraphqlEndpoint({
    schema: createSchema(config),
    tasks,
    authenticate: async () => ({ kind: 'forwarded', authorization: AUTHORIZATION }),
    log: {
      debug() {},
      info() {},
      // The failures of a batch are no errors of the answer.
      warn: (facts, sentence) => void problems.add(`${(facts as { code?: string }).code}: ${sentence}`),
      error: (facts) => void problems.add(String((facts as { err?: unknown }).err)),
    },
    metrics: createMetrics(),
    timeoutMs: config.operationTimeoutMs,
    answers: createUnreadAnswers({ ...config, onRefused: () => undefined }),
    batchConcurrency: 1,
    introspection: true,
    trusted: null,
    fastLane: false,
  });
  const answer = await endpoint.fetch(
    'http://gateway/graphql',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) },
    {},
  );
  const { errors = [] } = (await answer.json()) as Answer;
  for (const { message, extensions } of errors) problems.add(`${extensions?.code}: ${message}`);
  return { creates, problems: [...problems] };
}

async function refuseToRead(): Promise<never> {
  throw badInput('the request', 'reads tasks, but only creates can be explained');
}

/** A service at which every create succeeds; it passes on the requests that would have been sent. */
function explainedTaskService(config: Config, onCreate: (create: ExplainedCreate) => void): TaskService {
  const format = config.upstream?.format ?? 'json';
  return {
    async create(task, call) {
      const attempts = {
        json: await attempt('json', task, call, config),
        xml: await attempt('xml', task, call, config),
      };
      const { created } = attempts[format];
      if (created instanceof TaskFailure) throw created;
      onCreate({ json: attempts.json.request, xml: attempts.xml.request });
      return created;
    },
    find: refuseToRead,
    list: refuseToRead,
    checks: {},
    close: async () => undefined,
  };
}

async function attempt(format: WireFormat, task: NewAccountTask, call: CreateCall, config: Config): Promise<Attempt> {
  const { frequencies, notifications, upstream } = config;
  let request: UpstreamRequest | null = null;
  const send: UpstreamClient['postAdmitted'] = async (sent) => {
    request = { ...sent, headers: { ...toRecord(sent.fixedHeaders ?? []), ...sent.headers } };
    const Detail = { ID: CREATED_ID, TaskID: task.TaskID };
    const answer = encodeAnswer('json', { Error: null, ResponseData: { Identification: null, Result: null, Detail } });
    return { status: 200, contentType: mediaTypes.json, body: Buffer.from(answer), connection: null };
  };
  const sending = createUpstreamTaskService({
    client: { ...IDLE_CLIENT, postAdmitted: send },
    format,
    tables: { frequencies, notifications },
    checksTaskId: false,
  });
  const checked = checkedTaskService(sending, {
    xmlProblem,
    travelsAsXml: format === 'xml',
    keyRefusal: upstream?.isRecorded === false ? KEY_REFUSAL : null,
  });
  try {
    const created = await checked.create(task, call);
    return { request: request ?? { problem: 'Nothing would be sent.' }, created };
  } catch (error) {
    if (error instanceof TaskFailure) return { request: { problem: error.message }, created: error };
    throw error;
  }
}

function toRecord(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : [])));
}

const IDLE_CLIENT: UpstreamClient = {
  admit: () => null,
  release: () => undefined,
  postAdmitted: () => Promise.reject(new Error('Nothing is sent.')),
  ready: async () => undefined,
  load: () => ({ inFlight: 0, waiting: 0 }),
  close: async () => undefined,
};

export interface CurlRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const MAX_WORD_BYTES = 100_000;

/** Formats the request as a command for any POSIX shell. */
export function toCurlCommand({ url, headers, body }: CurlRequest): string {
  // Linux limits an argument of a program to 128 KB, but not one of a shell's builtin.
  const isLarge = Buffer.byteLength(body) > MAX_WORD_BYTES;
  const words = [
    isLarge ? `printf %s ${quote(body)} | curl --http1.1` : 'curl --http1.1',
    ...Object.entries(headers).map(([name, value]) => `-H ${quoteHeader(`${name}: ${value}`)}`),
    // Unlike --data, it keeps line breaks.
    `--data-binary ${isLarge ? '@-' : quote(body)}`,
    quote(url.href),
  ];
  return words.join(' \\\n  ');
}

/** Inside single quotes, only a single quote needs escaping. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function quoteHeader(header: string): string {
  return header.split(TOKEN_VARIABLE).map(quote).join(`"${TOKEN_VARIABLE}"`).replace(/''$/, '');
}
