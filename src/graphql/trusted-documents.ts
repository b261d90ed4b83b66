import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError, type GraphQLSchema, parse, Source, validate } from 'graphql';
import { decodeFile } from '../wire/text-encoding.ts';
import { checkLength, checkOperations, checkTokens } from './limits/document-limits.ts';
import type { Plugin } from 'graphql-yoga';

/** The only documents that run, by the names that clients call them by. */
export interface TrustedDocuments {
  readonly size: number;
  /** The text of a document; undefined for a name that is not in the manifest. */
  get(id: string): string | undefined;
}

const SHA256_PREFIX = 'sha256:';
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Reads a manifest of trusted documents: an object of texts by their hash, as GraphQL Code Generator's client preset writes
 * it and Relay does, or Apollo's. Every document has to be one that runs.
 * @throws Error with one line that names the file and the entry.
 */
export function readTrustedDocuments(file: string, schema: GraphQLSchema): TrustedDocuments {
  const documents = new Map<string, string>();
  for (const [name, text] of readEntries(file)) {
    const problem = findProblem(name, text, schema);
    if (problem !== null) throw new Error(oneLine(`trusted documents in ${file}: "${name}" ${problem}`));
    documents.set(withoutPrefix(name), text as string);
  }
  if (documents.size === 0)
    throw new Error(`trusted documents in ${file}: it holds no document, so nothing could be asked for`);
  return { size: documents.size, get: (id) => documents.get(withoutPrefix(id)) };
}

function readEntries(file: string): readonly (readonly [string, unknown])[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(decodeFile(readFileSync(file)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem = code === undefined ? 'is not JSON' : 'cannot be read';
    throw new Error(oneLine(`trusted documents in ${file}: it ${problem}: ${message}`), { cause: error });
  }
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest))
    throw new Error(`trusted documents in ${file}: it has to be a JSON object of documents by their hash`);
  return isApolloManifest(manifest)
    ? manifest.operations.map(({ id, body }) => [String(id), body])
    : Object.entries(manifest);
}

interface ApolloManifest {
  readonly operations: readonly { readonly id?: unknown; readonly body?: unknown }[];
}

function isApolloManifest(manifest: object): manifest is ApolloManifest {
  const { format, operations } = manifest as { readonly format?: unknown; readonly operations?: unknown };
  return format === 'apollo-persisted-query-manifest' && Array.isArray(operations);
}

/** Null for a document that runs, under a name that it may have. */
function findProblem(name: string, text: unknown, schema: GraphQLSchema): string | null {
  if (typeof text !== 'string') return 'is no text';
  const hash = withoutPrefix(name);
  const isSha256 = SHA256.test(hash);
  if (hash !== name && !isSha256) return 'is named sha256, and not by 64 hexadecimal digits';
  // Other names are of hashes that cannot be told from one another, or of no hash at all.
  if (isSha256 && createHash('sha256').update(text).digest('hex') !== hash)
    return 'does not have the SHA-256 that it is named by';
  try {
    checkLength(text);
    checkTokens(new Source(text));
    const document = parse(text);
    checkOperations(schema, document);
    const [error] = validate(schema, document);
    return error ? `is not valid: ${error.message}` : null;
  } catch (error) {
    if (error instanceof GraphQLError) return `cannot be used: ${error.message}`;
    throw error;
  }
}

function withoutPrefix(name: string): string {
  return name.startsWith(SHA256_PREFIX) ? name.slice(SHA256_PREFIX.length) : name;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

const HOW = 'name one by its hash, as documentId or as extensions.persistedQuery.sha256Hash';

/** Puts the text of a trusted document where a request names it, and refuses every other request. */
export function useTrustedDocuments(trusted: TrustedDocuments): Plugin {
  return {
    onParams({ params, setParams, request }) {
      if (typeof params.query === 'string')
        throw refusal(
          'PERSISTED_QUERY_ID_REQUIRED',
          `This gateway runs trusted documents only: ${HOW}, without a query.`,
        );
      // A query that is no text is Yoga's to refuse.
      if (params.query != null) return;
      const inUrl = request.method === 'GET' ? URL.parse(request.url)?.searchParams.get('documentId') : null;
      const named = inUrl == null ? params : { ...params, documentId: inUrl };
      const id = readDocumentId(named);
      if (id === null) throw refusal('BAD_REQUEST', `The request names no document: ${HOW}.`);
      const query = trusted.get(id);
      if (query === undefined)
        throw refusal(
          'PERSISTED_QUERY_NOT_IN_LIST',
          'The document is not among the trusted documents of this gateway.',
        );
      setParams({ ...withoutDocumentId(params), query });
    },
  };
}

/** Says in the words of automatic persisted queries that a hash alone names no document here; clients then send the text. */
export function usePersistedQueryRefusal(): Plugin {
  return {
    onParams({ params: { query, extensions } }) {
      const { persistedQuery } = (extensions ?? {}) as { readonly persistedQuery?: unknown };
      if (!query && persistedQuery) throw refusal('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');
    },
  };
}

/** The name that a request gives its document; null where it gives none, or two that differ. */
export function readDocumentId(params: object): string | null {
  const { documentId, extensions } = params as { readonly documentId?: unknown; readonly extensions?: unknown };
  const { persistedQuery } = (extensions ?? {}) as { readonly persistedQuery?: unknown };
  const { sha256Hash } = (persistedQuery ?? {}) as { readonly sha256Hash?: unknown };
  const ids = [documentId, sha256Hash].filter((id) => id != null);
  const [id] = ids;
  return typeof id === 'string' && ids.every((other) => other === id) ? id : null;
}

function withoutDocumentId(params: object): object {
  return Object.fromEntries(Object.entries(params).filter(([name]) => name !== 'documentId'));
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { spec: true, status: 400 } } });
}
