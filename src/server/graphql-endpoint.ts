import { type GraphQLSchema, NoSchemaIntrospectionCustomRule } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { TaskService } from '../contract/task-service.ts';
import { createGatewayContext, type GatewayContext } from '../schema/context.ts';
import type { Authenticate } from './auth.ts';
import { useFailures } from './failures.ts';
import type { Log } from './log.ts';
import { toRequestId } from './request-id.ts';

export interface GraphqlEndpointOptions {
  readonly schema: GraphQLSchema;
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly log: Log;
  readonly introspection: boolean;
  /** Origins whose pages may call the endpoint; none by default. */
  readonly corsOrigins: readonly string[];
}

/** What the HTTP layer hands to the endpoint with a request. */
export interface RequestFacts {
  readonly requestId?: string;
}

export type GraphqlEndpoint = ReturnType<typeof createGraphqlEndpoint>;

/** The GraphQL endpoint as a fetch handler, at /graphql. */
export function createGraphqlEndpoint({
  schema,
  tasks,
  authenticate,
  log,
  introspection,
  corsOrigins,
}: GraphqlEndpointOptions) {
  return createYoga<RequestFacts, GatewayContext>({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ request, requestId }) =>
      createGatewayContext({
        requestId: requestId ?? toRequestId(request.headers.get('x-request-id')),
        tasks,
        authenticate: () => authenticate(request.headers.get('authorization')),
      }),
    // The order is the order of the request's phases.
    plugins: [...(introspection ? [] : [useNoIntrospection()]), useFailures(log)],
    cors:
      corsOrigins.length === 0
        ? false
        : {
            origin: [...corsOrigins],
            methods: ['GET', 'POST'],
            allowedHeaders: ['content-type', 'authorization', 'x-request-id'],
            exposedHeaders: ['x-request-id'],
            maxAge: 600,
          },
    // `useFailures` masks; the HTTP layer bounds the body, which costs less there.
    maskedErrors: false,
    maxRequestBodySize: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    logging: false,
  });
}

function useNoIntrospection(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}
