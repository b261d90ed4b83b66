/** The parameters of a GraphQL request: the plain ones of a JSON POST, and the Yoga plugins that refuse others with a hint. */
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { readDocumentId, type TrustedDocuments } from './trusted-documents.ts';

export interface PlainParameters {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
  readonly operationName: string | null | undefined;
}

const PARAMETERS: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions']);

/**
 * Reads the body of a JSON POST. Null unless it is an object with the parameters of a GraphQL request, each of its type; Yoga
 * then says what is wrong. Where documents are trusted, the query is the one that the request names.
 */
export function readPlainParameters(body: Buffer, trusted: TrustedDocuments | null): PlainParameters | null {
  let parameters: unknown;
  try {
    parameters = JSON.parse(body.toString());
  } catch {
    return null;
  }
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return null;
  const { query: given, variables, operationName, extensions } = parameters as Record<string, unknown>;
  for (const name in parameters) if (!PARAMETERS.has(name) && !(trusted && name === 'documentId')) return null;
  if (trusted && given != null) return null;
  const query = trusted ? trusted.get(readDocumentId(parameters) ?? '') : given;
  if (typeof query !== 'string') return null;
  if (!isAbsentOrObject(variables) || !isAbsentOrObject(extensions)) return null;
  if (operationName != null && (typeof operationName !== 'string' || operationName === '')) return null;
  return { query, variables, operationName };
}

function isAbsentOrObject(value: unknown): value is Readonly<Record<string, unknown>> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value));
}

/** Refuses variables and extensions that are not JSON, and an operationName that is not a string. Yoga would mask or ignore them. */
export function useParameterText(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw refusal('variables, extensions: expected JSON objects, got text that is not JSON.');
        }
      });
    },
    onParams({ params }) {
      const { operationName } = params as { readonly operationName?: unknown };
      if (operationName != null && typeof operationName !== 'string')
        throw refusal(`operationName: expected a string or null, got ${JSON.stringify(operationName)}`);
    },
  };
}

const MISSING = 'query: expected a GraphQL document, got none.';

/** Refuses a request without a query, and says how to send one. Yoga's message does not. */
export function useQueryHint(): Plugin {
  return {
    onParams({ params, request }) {
      // Yoga names an unknown parameter, which may be a misspelled query.
      const hasUnknown = Object.entries(params).some(([name, value]) => value != null && !PARAMETERS.has(name));
      if (params.query == null && !hasUnknown)
        throw refusal(`${MISSING} ${queryHint(request)}`, { Allow: 'GET, POST' });
    },
  };
}

function queryHint({ method, headers }: Request): string {
  if (method === 'GET') return 'Send it as the parameter query of the URL.';
  const type = headers.get('content-type') ?? '';
  return type.includes('json')
    ? 'Send a body such as {"query": "{ __typename }"}.'
    : `A body of type ${type} was read; for a JSON body send Content-Type: application/json.`;
}

function refusal(message: string, headers: Readonly<Record<string, string>> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400, headers } } });
}
