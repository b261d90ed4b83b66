import { coerceInputValue, type GraphQLInputType } from 'graphql';
import { KEY_REFUSAL } from '../app/upstream-backend.ts';
import type { Config } from '../app/config.ts';
import { findCreateRefusal } from '../contract/checked-task-service.ts';
import { badInput, TaskFailure } from '../contract/failure.ts';
import { OPERATIONS } from '../contract/operations.ts';
import { toNewAccountTask } from '../schema/writes/create-account-task.ts';
import { createSchema } from '../schema/schema.ts';
import { requestHeaders } from '../upstream/upstream-task-service.ts';
import { encodeRequest, type WireFormat } from '../wire/codec.ts';
import { decodeFile } from '../wire/text-encoding.ts';
import { xmlProblem } from '../wire/xml-document.ts';
import { parseOptions, UsageError } from './arguments.ts';

/** Reads a file; `-` is standard input. */
export type ReadBytes = (path: string) => Promise<Uint8Array>;

interface ExplainedRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type CreateInput = Parameters<typeof toNewAccountTask>[1];

/** Builds the request of one operation in a format. Returns the failure if the format cannot carry it. */
type RequestIn = (format: WireFormat) => ExplainedRequest | TaskFailure;

const FORMATS = ['json', 'xml'] as const satisfies readonly WireFormat[];
/** Used if UPSTREAM_URL is not set. */
const EXAMPLE_URL = new URL('https://service.example/');
/** Stands for a secret in a header's value; a shell expands it. */
const TOKEN_VARIABLE = '$TOKEN';
/** Linux limits an argument of a program to 128 KB, but not one of a shell's builtin. */
const MAX_WORD_BYTES = 100_000;

/**
 * Shows the request that a create of the given input would send.
 * @throws UsageError for wrong arguments, TaskFailure for an input that would be refused.
 */
export async function explain(args: readonly string[], config: Config, readBytes: ReadBytes): Promise<string> {
  const { values, positionals } = parseOptions(args, { json: { type: 'boolean', default: false } });
  const [given, ...more] = positionals;
  if (given === undefined || more.length > 0)
    throw new UsageError('"explain" takes one argument: a file, - for standard input, or JSON.');
  const requestIn = explainCreate(await readObject(given, readBytes), config);
  const refusal = requestIn(config.upstream?.format ?? 'json');
  if (refusal instanceof TaskFailure) throw refusal;
  if (values.json)
    return JSON.stringify(Object.fromEntries(FORMATS.map((format) => [format, toValue(requestIn(format))])), null, 2);
  return [preamble(config), ...FORMATS.map((format) => describe(format, requestIn(format)))].join('\n\n');
}

async function readObject(given: string, readBytes: ReadBytes): Promise<Readonly<Record<string, unknown>>> {
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
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw badInput('the text', `is not JSON: ${(error as Error).message}`);
  }
  throw badInput('the text', 'is not a JSON object: expected an input, or variables with an input');
}

/** Accepts the input of createAccountTask, or its variables: the input and perhaps an idempotencyKey. */
function explainCreate(given: Readonly<Record<string, unknown>>, config: Config): RequestIn {
  const { input, idempotencyKey = null } = 'input' in given ? given : { input: given };
  if (idempotencyKey !== null && typeof idempotencyKey !== 'string')
    throw badInput('idempotencyKey', 'expected a string');
  const task = toNewAccountTask('input', coerceInput('CreateAccountTaskInput', input, config) as CreateInput);
  const keyRefusal = config.upstream?.isRecorded === false ? KEY_REFUSAL : null;
  return (format) =>
    findCreateRefusal(task, idempotencyKey, {
      xmlProblem,
      travelsAsXml: format === 'xml',
      keyRefusal,
      requiresKey: config.requiresIdempotencyKey,
    }) ?? {
      url: new URL(OPERATIONS.create.path, config.upstream?.url ?? EXAMPLE_URL),
      headers: { ...requestHeaders(OPERATIONS.create, format), Authorization: `Bearer ${TOKEN_VARIABLE}` },
      body: encodeRequest(format, task, config),
    };
}

/** Reads a value as an input type of the schema. @throws TaskFailure that names every invalid field. */
function coerceInput(typeName: string, value: unknown, config: Config): unknown {
  const problems: string[] = [];
  const type = createSchema(config).getType(typeName) as GraphQLInputType;
  const coerced = coerceInputValue(value, type, (path, _, { message }) => {
    problems.push(`${['input', ...path].join('.')}: ${message}`);
  });
  if (problems.length > 0) throw new TaskFailure({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }, problems.join('\n'));
  return coerced;
}

function preamble({ upstream }: Config): string {
  if (!upstream)
    return 'Nothing was sent. UPSTREAM_URL is not set, so this gateway stores its tasks itself; to a service it would send:';
  const whose = upstream.ownClient
    ? `the gateway's own token, which it gets from ${new URL('Token', upstream.url).href}`
    : 'the token in the Authorization header of the caller';
  return `Nothing was sent. UPSTREAM_FORMAT is ${upstream.format}. In curl, $TOKEN is ${whose}.`;
}

function describe(format: WireFormat, request: ReturnType<RequestIn>): string {
  const text =
    request instanceof TaskFailure
      ? `Cannot be sent in this format: ${request.message}`
      : `${request.body}\n\n${toCurlCommand(request)}`;
  return `${format.toUpperCase()}\n\n${text}`;
}

function toValue(request: ReturnType<RequestIn>): object {
  return request instanceof TaskFailure ? { problem: request.message } : { ...request, curl: toCurlCommand(request) };
}

/** Formats the request as a command for any POSIX shell. */
function toCurlCommand({ url, headers, body }: ExplainedRequest): string {
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
