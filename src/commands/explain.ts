import { parseArgs } from 'node:util';
import { UsageError } from './administration.ts';
import type { Config } from '../app/config.ts';
import {
  toCurlCommand,
  type ExplainedRequest,
  explainCreates,
  type Explanation,
  type GraphqlRequest,
} from './explained-creates.ts';
import { badInput } from '../contract/failure.ts';
import type { WireFormat } from '../wire/codec.ts';
import { decodeFile } from '../wire/text-encoding.ts';

/** The output of a command. */
export interface CommandOutput {
  /** For standard output. */
  readonly result: string;
  /** For standard error; empty if there is no problem. */
  readonly problems: string;
}

/** Reads a file; `-` is standard input. */
export type ReadBytes = (path: string) => Promise<Uint8Array>;

const CREATE = `mutation ($input: CreateAccountTaskInput!, $idempotencyKey: String) {
  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) { accountTask { id } }
}`;
const CREATE_SEVERAL = `mutation ($inputs: [CreateAccountTaskItem!]!) {
  createAccountTasks(inputs: $inputs) { __typename }
}`;
const FORMATS = ['json', 'xml'] as const satisfies readonly WireFormat[];
/** Used if UPSTREAM_URL is not set. */
const EXAMPLE_URL = new URL('https://service.example/');

/** Shows the requests that the given input would send. @throws UsageError for wrong arguments. */
export async function explain(args: readonly string[], config: Config, readBytes: ReadBytes): Promise<CommandOutput> {
  const { given, isJson } = parseArguments(args);
  const text = /^\s*\{/.test(given) ? given : await readFileText(given, readBytes);
  const explanation = await explainCreates(toRequest(text), config);
  const { creates, problems } = explanation;
  const problemLines = problems.map((problem) => `${problem}\n`).join('');
  if (isJson) return { result: JSON.stringify(toValue(explanation, config), null, 2), problems: problemLines };
  const parts = creates.map((create, index) => {
    const title = creates.length > 1 ? `Create ${index + 1} of ${creates.length}\n\n` : '';
    return title + FORMATS.map((format) => describe(format, create[format], config)).join('\n');
  });
  return { result: parts.length > 0 ? `${preamble(config)}\n\n${parts.join('\n')}` : '', problems: problemLines };
}

function parseArguments(args: readonly string[]): { readonly given: string; readonly isJson: boolean } {
  try {
    const options = { json: { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    const [given, ...more] = positionals;
    if (given === undefined || more.length > 0)
      throw new Error('"explain" takes one argument: a file, - for standard input, or JSON.');
    return { given, isJson: values.json };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function readFileText(path: string, readBytes: ReadBytes): Promise<string> {
  try {
    return decodeFile(await readBytes(path));
  } catch (error) {
    throw badInput(path, `cannot be read: ${(error as Error).message}`);
  }
}

/** Accepts an input, the variables around it, or a whole request. */
function toRequest(text: string): GraphqlRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badInput('the text', `is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badInput('the text', 'is not a JSON object: expected an input, variables or a whole GraphQL request');
  if ('query' in value) return value as GraphqlRequest;
  if ('inputs' in value) return { query: CREATE_SEVERAL, variables: value };
  return { query: CREATE, variables: 'input' in value ? value : { input: value } };
}

function preamble({ upstream }: Config): string {
  if (!upstream)
    return 'Nothing was sent. UPSTREAM_URL is not set, so this gateway stores its tasks itself; to a service it would send:';
  const whose = upstream.ownClient
    ? `the gateway's own token, which it gets from ${new URL('Token', upstream.url).href}`
    : 'the token in the Authorization header of the caller';
  return `Nothing was sent. UPSTREAM_FORMAT is ${upstream.format}. In curl, $TOKEN is ${whose}.`;
}

function describe(format: WireFormat, request: ExplainedRequest, config: Config): string {
  const title = format.toUpperCase();
  if ('problem' in request) return `${title}\n\nCannot be sent in this format: ${request.problem}\n`;
  return `${title}\n\n${request.body}\n\n${toCurlCommand({ ...request, url: toUrl(request.path, config) })}\n`;
}

function toValue({ creates, problems }: Explanation, config: Config): object {
  const withCurl = (request: ExplainedRequest): object => {
    if ('problem' in request) return request;
    const { path, headers, body } = request;
    const url = toUrl(path, config);
    return { url, headers, body, curl: toCurlCommand({ url, headers, body }) };
  };
  return { creates: creates.map(({ json, xml }) => ({ json: withCurl(json), xml: withCurl(xml) })), problems };
}

function toUrl(path: string, { upstream }: Config): URL {
  return new URL(path, upstream?.url ?? EXAMPLE_URL);
}
