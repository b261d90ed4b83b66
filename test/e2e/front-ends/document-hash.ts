import { CreateAccountTaskDocument } from '../../../src/client/documents.ts';

/** Returns the hash that the code generator stores in a document. Its types do not declare it. */
export function hashOf(document: object): string {
  const { __meta__: meta } = document as { readonly __meta__?: { readonly hash?: string } };
  const hash = meta?.hash;
  if (hash === undefined) throw new Error('The document was not written by the code generator.');
  return hash;
}

/** Hashes by operation name, for clients whose transport no longer has the document. */
export const HASHES: Readonly<Record<string, string>> = { CreateAccountTask: hashOf(CreateAccountTaskDocument) };
