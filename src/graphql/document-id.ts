import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { TrustedDocuments } from './trusted-documents.ts';

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
