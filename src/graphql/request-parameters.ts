/** Checks the parameters of a GraphQL request, however they were sent. Each refusal says what is wrong and what is expected. */
import { GraphQLError } from 'graphql';
import { findTrustedQuery, type TrustedDocuments } from './trusted-documents.ts';

export interface GraphqlParameters {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
  readonly operationName: string | null | undefined;
}

const NAMES: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions']);
const EXAMPLE = '{"query": "{ __typename }"}';

/** Reads the parameters from a body in JSON. */
export function readJsonParameters(body: string, trusted: TrustedDocuments | null): GraphqlParameters {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    throw badRequest(`body: expected a JSON object such as ${EXAMPLE}, got text that is not JSON`);
  }
  if (Array.isArray(given))
    throw badRequest('body: expected one JSON object, got a list. Send each operation by itself.');
  if (typeof given !== 'object' || given === null)
    throw badRequest(`body: expected a JSON object such as ${EXAMPLE}, got ${toKind(given)}`);
  return checkParameters(given, trusted, `Send a body such as ${EXAMPLE}.`);
}

/**
 * Returns the parameters of a request. Where documents are trusted, the query is the one that the request names.
 * @param hint says how to send a query.
 */
export function checkParameters(given: object, trusted: TrustedDocuments | null, hint: string): GraphqlParameters {
  const { query, variables, operationName, extensions } = given as Readonly<Record<string, unknown>>;
  for (const name in given) if (!NAMES.has(name)) checkUnknown(name, given, trusted);
  if (operationName != null && typeof operationName !== 'string')
    throw badRequest(`operationName: expected a string or null, got ${JSON.stringify(operationName)}`);
  if (!isAbsentOrObject(variables)) throw badRequest(`variables: expected an object or null, got ${toKind(variables)}`);
  if (!isAbsentOrObject(extensions))
    throw badRequest(`extensions: expected an object or null, got ${toKind(extensions)}`);
  if (query != null && typeof query !== 'string')
    throw badRequest(`query: expected a GraphQL document, got ${toKind(query)}`);
  if (trusted) return { query: findTrustedQuery(trusted, given), variables, operationName };
  // The words that automatic persisted queries define, so that clients send the text.
  if (!query && extensions?.['persistedQuery'])
    throw new GraphQLError('PersistedQueryNotSupported', { extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } });
  if (query == null) throw badRequest(`query: expected a GraphQL document, got none. ${hint}`);
  return { query, variables, operationName };
}

function checkUnknown(name: string, given: object, trusted: TrustedDocuments | null): void {
  if ((trusted && name === 'documentId') || (given as Readonly<Record<string, unknown>>)[name] == null) return;
  throw badRequest(`body: expected only query, variables, operationName and extensions, got ${JSON.stringify(name)}`);
}

function isAbsentOrObject(value: unknown): value is Readonly<Record<string, unknown>> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value));
}

function toKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The refusal of a malformed request. Its status is 400 in every media type. */
export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}
