import { createApolloFrontEnd } from './apollo.ts';
import { createFetchFrontEnd } from './fetch.ts';
import type { CreateFrontEnd } from './front-end.ts';
import { createGraphqlRequestFrontEnd } from './graphql-request.ts';
import { createUrqlFrontEnd } from './urql.ts';

/** One front end per GraphQL client, by the client's name. */
export const FRONT_ENDS: Readonly<Record<string, CreateFrontEnd>> = {
  fetch: createFetchFrontEnd,
  'graphql-request': createGraphqlRequestFrontEnd,
  '@urql/core': createUrqlFrontEnd,
  '@apollo/client': createApolloFrontEnd,
};
