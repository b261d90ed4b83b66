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

/** The limits of a document. They depend on the document alone, not on its variables or its caller. */
export const DOCUMENT_LIMITS = {
  /** Bounds the memory of the document cache, whose keys are the texts. */
  characters: 100_000,
  /** Bounds the time of validation, which grows with the square of the tokens. */
  tokens: 3_000,
  /** Nested brackets of any kind, in values too: the parser is recursive. */
  nesting: 100,
  /** Nested fields; an introspection query has 15. */
  depth: 20,
  aliases: 100,
  directives: 50,
  /** Fields of the largest possible answer: see `OperationSize.cost`. */
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

/** Refuses a document by its length before it is cached, by its tokens before it is parsed, and by its size before it is validated. */
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
    // Counted here, because Yoga caches the error of a document and does not parse it again.
    onResultProcess({ result }) {
      for (const error of (result as ExecutionResult).errors ?? [])
        if (error instanceof DocumentLimitError) onRefused(error.limit);
    },
  };
}

/** @throws GraphQLError if a document has too many characters. */
export function checkLength({ length }: string): void {
  if (length > DOCUMENT_LIMITS.characters) throw refusal('characters', length);
}

/** Checks a document that has not been parsed. @throws GraphQLError if it has too many tokens or is nested too deeply. */
export function checkTokens(source: Source): void {
  // A token has at least one character and a level one bracket, so most documents need no lexer.
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

/** @throws GraphQLError if an operation of the document is too deep, has too many aliases or directives, or costs too much. */
export function checkOperations(schema: GraphQLSchema, document: DocumentNode): void {
  for (const size of measureOperations(schema, document)) {
    for (const limit of ['depth', 'aliases', 'directives', 'cost'] as const)
      if (size[limit] > DOCUMENT_LIMITS[limit]) throw refusal(limit, size[limit]);
  }
}

const PROBLEMS: Readonly<Record<DocumentLimit, string>> = {
  characters: 'has more than # characters; pass large values as variables',
  tokens: 'has more than # tokens; pass large values as variables',
  nesting: 'nests brackets deeper than # levels',
  depth: 'nests fields deeper than # levels',
  aliases: 'has more than # aliases',
  directives: 'has more than # directives',
  cost: 'may be answered with @ fields, and more than # are not accepted; ask for smaller pages or fewer fields',
};

function refusal(limit: DocumentLimit, found: number): GraphQLError {
  const problem = PROBLEMS[limit].replace('#', String(DOCUMENT_LIMITS[limit])).replace('@', String(found));
  return new DocumentLimitError(limit, `The document ${problem}.`);
}
