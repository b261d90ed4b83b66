import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Blames the caller for variables and extensions in a query string or form that are no JSON; Yoga takes them for a defect. */
export function useParameterText(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw new GraphQLError('The variables or the extensions of the request are not JSON.', {
            extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
          });
        }
      });
    },
  };
}
