import { coerceInputValue, execute, type GraphQLField, type GraphQLSchema, isNonNullType, parse } from 'graphql';
import type { Config } from '../app/config.ts';
import { KEY_REFUSAL } from '../app/upstream-backend.ts';
import { checkedTaskService } from '../contract/checked-task-service.ts';
import { badInput, TaskFailure } from '../contract/failure.ts';
import { OPERATIONS } from '../contract/operations.ts';
import type { WriteName } from '../contract/task-service.ts';
import { createSchema } from '../schema/schema.ts';
import { WRITES } from '../schema/builder.ts';
import type { UpstreamRequest } from '../upstream/exchange.ts';
import { createUpstreamTaskService, requestHeaders } from '../upstream/upstream-task-service.ts';
import type { WireFormat } from '../wire/codec.ts';
import { decodeFile } from '../wire/text-encoding.ts';
import { xmlProblem } from '../wire/xml-document.ts';
import { parseOptions, UsageError } from './arguments.ts';

/** Reads a file; `-` is standard input. */
export type ReadBytes = (path: string) => Promise<Uint8Array>;

type Members = Readonly<Record<string, unknown>>;
type Mutation = GraphQLField<unknown, unknown>;

/** The writes by their names on the command line, such as `create-client`. */
const WRITE_NAMES = new Map(
  (Object.keys(WRITES) as WriteName[]).map((name) => [
    name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`),
    name,
  ]),
);
/** Used if UPSTREAM_URL is not set. */
const EXAMPLE_URL = new URL('https://service.example/');
/** A shell expands the variable. */
const AUTHORIZATION = 'Bearer $TOKEN';
/** Linux limits an argument of a program to 128 KB, but not one of a shell's builtin. */
const MAX_WORD_BYTES = 100_000;

interface ExplainedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/**
 * Shows the request that a write with the given input would send.
 * @throws UsageError for wrong arguments, TaskFailure that names every value that GraphQL would refuse, or the first that the
 * gateway's own checks would.
 */
export async function explain(args: readonly string[], config: Config, readBytes: ReadBytes): Promise<string> {
  const { values: options, positionals } = parseOptions(args, { json: { type: 'boolean', default: false } });
  const [command, given, ...more] = positionals.length === 1 ? ['create', ...positionals] : positionals;
  const name = WRITE_NAMES.get(command ?? '');
  if (WRITE_NAMES.has(given ?? ''))
    throw new UsageError(`"${given}" needs its input: a file, - for standard input, or JSON.`);
  if (given === undefined || more.length > 0 || name === undefined) {
    const names = [...WRITE_NAMES.keys()].join(', ');
    throw new UsageError(
      `"explain" takes a write (${names}; create if none is named) and its input: a file, - for standard input, or JSON.`,
    );
  }
  const schema = createSchema(config);
  const { type } = WRITES[name];
  const mutation = schema.getMutationType()?.getFields()[type.charAt(0).toLowerCase() + type.slice(1)] as Mutation;
  const variables = toVariables(mutation, await readObject(given, readBytes));
  const problems = coercionProblems(mutation, variables);
  if (problems.length > 0) throw new TaskFailure('BAD_USER_INPUT', problems.toSorted().join('\n'));
  const requestIn = (format: WireFormat) => carryOut(name, mutation, variables, { schema, format, config });
  const json = await requestIn('json');
  const xml = await requestIn('xml');
  const own = config.upstream?.format === 'xml' ? xml : json;
  if (own instanceof TaskFailure) throw own;
  if (options.json) return JSON.stringify({ json: toValue(json), xml: toValue(xml) }, null, 2);
  return [preamble(config), 'JSON', describe(json), 'XML', describe(xml)].join('\n\n');
}

async function readObject(given: string, readBytes: ReadBytes): Promise<Members> {
  let text = given;
  if (!/^\s*\{/.test(given)) {
    try {
      text = decodeFile(await readBytes(given));
    } catch (error) {
      throw badInput(given, `cannot be read: ${(error as Error).message}`);
    }
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  } catch (error) {
    throw badInput('the text', `is not JSON: ${(error as Error).message}`);
  }
  throw badInput('the text', 'is not a JSON object: expected an input, or variables');
}

/** Accepts the variables of a mutation, or its input alone if it needs nothing else. */
function toVariables({ name: mutation, args }: Mutation, given: Members): Members {
  const needed = args.filter(({ type }) => isNonNullType(type)).map(({ name }) => name);
  if (needed.some((name) => name in given)) return given;
  if (needed.length === 1 && needed[0] === 'input') return { input: given };
  throw new TaskFailure('BAD_USER_INPUT', `expected the variables of ${mutation}: ${needed.join(', ')}`);
}

/** The invalid values of a mutation's variables, each with its path. */
function coercionProblems({ args }: Mutation, variables: Members): readonly string[] {
  const problems: string[] = [];
  for (const { name, type } of args)
    coerceInputValue(variables[name] ?? null, type, (path, _, { message }) => {
      problems.push(`${[name, ...path].join('.')}: ${message}`);
    });
  return problems;
}

/** Carries out a mutation as the gateway does, up to the request that it would send. Returns the failure if it sends none. */
async function carryOut(
  write: WriteName,
  { name, args }: Mutation,
  variableValues: Members,
  { schema, format, config }: { readonly schema: GraphQLSchema; readonly format: WireFormat; readonly config: Config },
): Promise<ExplainedRequest | TaskFailure> {
  const sent: UpstreamRequest[] = [];
  const client = {
    admit: <Result>(_caller: string, work: () => Promise<Result>) => work(),
    async sendAdmitted(request: UpstreamRequest) {
      sent.push(request);
      throw new Error('Nothing is sent.');
    },
    ready: async () => {},
    load: () => ({ inFlight: 0, waiting: 0 }),
    close: async () => {},
  };
  const tasks = checkedTaskService(createUpstreamTaskService({ client, format, tables: config, checksTaskId: false }), {
    xmlProblem,
    travelsAsXml: format === 'xml',
    keyRefusal: config.upstream?.isRecorded === false ? KEY_REFUSAL : null,
    requiresKey: config.requiresIdempotencyKey,
  });
  const authenticate = () => ({ kind: 'forwarded', authorization: AUTHORIZATION });
  const contextValue = { requestId: '', deadlineMs: Infinity, answer: {}, done: {}, tasks, authenticate };
  const declared = args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const passed = args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const document = parse(`mutation (${declared}) { ${name}(${passed}) { __typename } }`);
  const { errors } = await execute({ schema, document, contextValue, variableValues });
  const failure = errors?.[0]?.originalError;
  const [request] = sent;
  if (failure instanceof TaskFailure) return failure;
  if (!request) throw new Error('The write sent nothing.', { cause: failure ?? errors?.[0] });
  const headers = { ...requestHeaders(OPERATIONS[write], format), Authorization: AUTHORIZATION };
  const { operation, path, body } = request;
  return { method: operation.method, url: new URL(path, config.upstream?.url ?? EXAMPLE_URL), headers, body };
}

function preamble({ upstream }: Config): string {
  if (!upstream)
    return 'Nothing was sent. UPSTREAM_URL is not set, so this gateway stores its tasks itself; to a service it would send:';
  const whose = upstream.ownClient
    ? `the gateway's own token, which it gets from ${new URL('Token', upstream.url).href}`
    : 'the token in the Authorization header of the caller';
  return `Nothing was sent. UPSTREAM_FORMAT is ${upstream.format}. In curl, $TOKEN is ${whose}.`;
}

function describe(request: ExplainedRequest | TaskFailure): string {
  if (request instanceof TaskFailure) return `Cannot be sent in this format: ${request.message}`;
  return [request.body ?? 'no body', toCurlCommand(request)].join('\n\n');
}

function toValue(request: ExplainedRequest | TaskFailure): object {
  return request instanceof TaskFailure ? { problem: request.message } : { ...request, curl: toCurlCommand(request) };
}

/** Formats the request as a command for any POSIX shell. */
function toCurlCommand({ method, url, headers, body }: ExplainedRequest): string {
  const isLarge = body !== null && Buffer.byteLength(body) > MAX_WORD_BYTES;
  const words = [
    isLarge ? `printf %s ${quote(body)} | curl --http1.1` : 'curl --http1.1',
    ...(method === 'POST' ? [] : [`-X ${method}`]),
    ...Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}"`),
    // Without it, curl would name a form's type for the empty body.
    ...(body === null ? [`-H 'Content-Type:'`] : []),
    // Unlike --data, it keeps line breaks.
    `--data-binary ${isLarge ? '@-' : quote(body ?? '')}`,
    quote(url.href),
  ];
  return words.join(' \\\n  ');
}

/** Inside single quotes, only a single quote needs escaping. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
