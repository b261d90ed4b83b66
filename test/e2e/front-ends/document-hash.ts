import { CreateAccountTaskDocument } from '../../generated/graphql.ts';

/** The hash that the code generator has left in a document, which its types do not say. */
export function hashOf(document: object): string {
  const { __meta__: meta } = document as { readonly __meta__?: { readonly hash?: string } };
  const hash = meta?.hash;
  if (hash === undefined) throw new Error('The document is none of the code generator.');
  return hash;
}

/** By the name of the operation, for clients that have forgotten the document by the time they send it. */
export const HASHES: Readonly<Record<string, string>> = { CreateAccountTask: hashOf(CreateAccountTaskDocument) };
