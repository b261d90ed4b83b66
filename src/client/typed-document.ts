/**
 * A parsed GraphQL document with the types of its result and variables. Every client library takes it: its members are those of
 * graphql's DocumentNode, which this package does not import. `never` fits any version of them.
 */
export interface TypedDocument<Result, Variables> {
  readonly kind: never;
  readonly definitions: never;
  /** The same document as text, and the SHA-256 of that text in the manifest of trusted documents. */
  readonly __meta__?: { readonly text: string; readonly hash: string };
  /** Carries the types; it does not exist at run time. */
  readonly __apiType?: (variables: Variables) => Result;
}
