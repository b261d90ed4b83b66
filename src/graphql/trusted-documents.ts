/** Trusted documents (persisted operations): their manifest, and the search for the one that a request names. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError, type GraphQLSchema, validate } from 'graphql';
import { decodeFile } from '../wire/text-encoding.ts';
import { parseWithinLimits } from './limits/document-limits.ts';

/** The only documents that may run, by the hash or other ID that clients send. */
export interface TrustedDocuments {
  readonly size: number;
  /** The text of a document; undefined if the manifest does not hold the ID. */
  get(id: string): string | undefined;
}

const SHA256_PREFIX = 'sha256:';
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Reads a manifest: either an object that maps hashes to documents, as GraphQL Code Generator's client preset and Relay
 * write it, or Apollo's format. Every document must be valid and within the limits.
 * @throws Error with a one-line message that names the file and the entry.
 */
export function readTrustedDocuments(file: string, schema: GraphQLSchema): TrustedDocuments {
  const documents = new Map<string, string>();
  for (const [name, text] of readEntries(file)) {
    const problem = findProblem(name, text, schema);
    if (problem !== null) throw new Error(oneLine(`trusted documents in ${file}: "${name}" ${problem}`));
    documents.set(withoutPrefix(name), text as string);
  }
  if (documents.size === 0) throw new Error(`trusted documents in ${file}: expected at least one document, got none`);
  return { size: documents.size, get: (id) => documents.get(withoutPrefix(id)) };
}

function readEntries(file: string): readonly (readonly [string, unknown])[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(decodeFile(readFileSync(file)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem = code === undefined ? 'expected JSON' : 'the file cannot be read';
    throw new Error(oneLine(`trusted documents in ${file}: ${problem}: ${message}`), { cause: error });
  }
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest))
    throw new Error(`trusted documents in ${file}: expected a JSON object that maps hashes to documents`);
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

/** Returns what is wrong with an entry of a manifest; null if it can be used. */
function findProblem(name: string, text: unknown, schema: GraphQLSchema): string | null {
  if (typeof text !== 'string') return 'is not a string';
  const hash = withoutPrefix(name);
  const isSha256 = SHA256.test(hash);
  if (hash !== name && !isSha256) return 'has no 64 hexadecimal digits after sha256:';
  // Any other ID may be another kind of hash or no hash, and cannot be verified.
  if (isSha256 && createHash('sha256').update(text).digest('hex') !== hash) return 'does not match its SHA-256 hash';
  try {
    const [error] = validate(schema, parseWithinLimits(schema, text));
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

const EXPECTED_ID = 'the hash of a trusted document, as documentId or as extensions.persistedQuery.sha256Hash';

/** Returns the text of the document that a request names. @throws GraphQLError if it names none, or sends a text. */
export function findTrustedQuery(trusted: TrustedDocuments, params: object): string {
  if ((params as { readonly query?: unknown }).query != null)
    throw refusal(
      'PERSISTED_QUERY_ID_REQUIRED',
      `query: not accepted, because this gateway runs trusted documents only. Send ${EXPECTED_ID}.`,
    );
  const id = readDocumentId(params);
  if (id === null) throw refusal('BAD_REQUEST', `documentId: expected one string, ${EXPECTED_ID}.`);
  const query = trusted.get(id);
  if (query !== undefined) return query;
  throw refusal(
    'PERSISTED_QUERY_NOT_IN_LIST',
    'documentId: the hash is not among the trusted documents of this gateway.',
  );
}

/** The document ID in a request; null if it has none, or two that differ. */
function readDocumentId(params: object): string | null {
  const { documentId, extensions } = params as { readonly documentId?: unknown; readonly extensions?: unknown };
  const { persistedQuery } = (extensions ?? {}) as { readonly persistedQuery?: unknown };
  const { sha256Hash } = (persistedQuery ?? {}) as { readonly sha256Hash?: unknown };
  const [id, other = id] = [documentId, sha256Hash].filter((given) => given != null);
  return typeof id === 'string' && other === id ? id : null;
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}
