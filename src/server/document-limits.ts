import { GraphQLError, Lexer, Source, TokenKind } from 'graphql';
import type { Plugin } from 'graphql-yoga';

const MAX_TOKENS = 10_000;
const MAX_DEPTH = 100;

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** Refuses documents that are too long, or nested too deep for a recursive parser, before they are parsed. */
export function useDocumentLimits(): Plugin {
  return {
    onParse({ parseFn, setParseFn }) {
      setParseFn((source: string | Source, options: object) => {
        checkDocument(typeof source === 'string' ? new Source(source) : source);
        return parseFn(source, options);
      });
    },
  };
}

function checkDocument(source: Source): void {
  const lexer = new Lexer(source);
  let depth = 0;
  for (let count = 1; lexer.advance().kind !== TokenKind.EOF; count += 1) {
    const { kind } = lexer.token;
    if (OPENING.has(kind)) depth += 1;
    else if (CLOSING.has(kind)) depth -= 1;
    if (depth > MAX_DEPTH) throw refusal(`is nested deeper than ${MAX_DEPTH} levels`);
    if (count > MAX_TOKENS) throw refusal(`has more than ${MAX_TOKENS} tokens; pass large values as variables`);
  }
}

function refusal(problem: string): GraphQLError {
  return new GraphQLError(`The document ${problem}.`, {
    extensions: { code: 'BAD_USER_INPUT', http: { spec: true, status: 400 } },
  });
}
