import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Blames the caller for parameters that are no text, or no JSON, where they have to be; Yoga takes them for a defect, or for absent. */
export function useParameterText(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw refusal('The variables or the extensions of the request are not JSON.');
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

function refusal(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
}
