import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  Lexer,
  Source,
  TokenKind,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { DocumentLimit } from '../../telemetry/metrics.ts';
import { measureOperations } from './operation-size.ts';

/** What a document may be at the most. All of it is the document's own: neither variables nor the caller matter. */
export const DOCUMENT_LIMITS = {
  /** Parsed documents are remembered by their text. */
  characters: 100_000,
  /** Validation takes time by their square. */
  tokens: 3_000,
  /** Of any brackets, values included: the parser is recursive. */
  nesting: 100,
  /** Of fields; an introspection query has 15. */
  depth: 20,
  aliases: 100,
  directives: 50,
  /** Fields, each as often as the pages and batches it is in may be long. */
  cost: 10_000,
} as const satisfies Record<DocumentLimit, number>;

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const BRACKETS = /[{[(]/g;
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

class DocumentLimitError extends GraphQLError {
  override readonly name = 'DocumentLimitError';
  readonly limit: DocumentLimit;

  constructor(limit: DocumentLimit, message: string) {
    super(message, { extensions: { code: 'BAD_USER_INPUT', http: { spec: true, status: 400 } } });
    this.limit = limit;
  }
}

/** Refuses documents that are too long before they are remembered, too large before they are parsed, and too dear before they are validated. */
export function useDocumentLimits(schema: GraphQLSchema, onRefused: (limit: DocumentLimit) => void): Plugin {
  return {
    onParams({ params: { query } }) {
      if (typeof query === 'string') checkLength(query);
    },
    onParse({ parseFn, setParseFn }) {
      setParseFn((source: string | Source, options: object) => {
        checkTokens(typeof source === 'string' ? new Source(source) : source);
        const document = parseFn(source, options) as DocumentNode;
        checkOperations(schema, document);
        return document;
      });
    },
    // Not where it is found out: Yoga remembers the error of a document and gives it again.
    onResultProcess({ result }) {
      for (const error of (result as ExecutionResult).errors ?? [])
        if (error instanceof DocumentLimitError) onRefused(error.limit);
    },
  };
}

/** Throws a GraphQLError that says which limit the text of a document is over. */
export function checkLength({ length }: string): void {
  if (length > DOCUMENT_LIMITS.characters) throw refusal('characters', length);
}

/** Throws a GraphQLError that says which limit a document is over, before it is parsed. */
export function checkTokens(source: Source): void {
  // No token is shorter than a character, and no level is without a bracket: most documents need no counting.
  const { body } = source;
  if (body.length <= DOCUMENT_LIMITS.tokens && (body.match(BRACKETS)?.length ?? 0) <= DOCUMENT_LIMITS.nesting) return;
  const lexer = new Lexer(source);
  let nesting = 0;
  for (let count = 1; lexer.advance().kind !== TokenKind.EOF; count += 1) {
    const { kind } = lexer.token;
    if (OPENING.has(kind)) nesting += 1;
    else if (CLOSING.has(kind)) nesting -= 1;
    if (nesting > DOCUMENT_LIMITS.nesting) throw refusal('nesting', nesting);
    if (count > DOCUMENT_LIMITS.tokens) throw refusal('tokens', count);
  }
}

/** Throws a GraphQLError that says which limit an operation of a document is over. */
export function checkOperations(schema: GraphQLSchema, document: DocumentNode): void {
  for (const size of measureOperations(schema, document)) {
    for (const limit of ['depth', 'aliases', 'directives', 'cost'] as const)
      if (size[limit] > DOCUMENT_LIMITS[limit]) throw refusal(limit, size[limit]);
  }
}

const PROBLEMS: Readonly<Record<DocumentLimit, string>> = {
  characters: 'has more than # characters; pass large values as variables',
  tokens: 'has more than # tokens; pass large values as variables',
  nesting: 'is nested deeper than # levels',
  depth: 'selects fields deeper than # levels',
  aliases: 'has more than # aliases',
  directives: 'has more than # directives',
  cost: 'may be answered with more than # fields, and this one with @; ask for smaller pages or fewer fields',
};

function refusal(limit: DocumentLimit, found: number): GraphQLError {
  const problem = PROBLEMS[limit].replace('#', String(DOCUMENT_LIMITS[limit])).replace('@', String(found));
  return new DocumentLimitError(limit, `The document ${problem}.`);
}
