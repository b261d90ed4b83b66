import type { IncomingMessage } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';
import { createGatewayContext, type GatewayContext } from '../schema/context.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { useClosedSchema } from './closed-schema.ts';
import { createDocumentCache, DOCUMENT_BOUNDS } from './document-cache.ts';
import { usePersistedQueryRefusal, useTrustedDocuments } from './document-id.ts';
import { useDocumentLimits } from './document-limits.ts';
import { logFailure } from './errors.ts';
import { useFailures } from './failures.ts';
import { createFastLane } from './fast-lane.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { useOperationInput } from './operation-input.ts';
import { useOperationName } from './yoga-plugins.ts';
import { createOperationTime } from './operation-time.ts';
import { useParameterText } from './parameter-text.ts';
import { toRequestId } from '../telemetry/request-id.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import type { UnreadAnswers } from '../http/unread-answers.ts';

export interface GraphqlEndpointOptions {
  readonly schema: GraphQLSchema;
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly log: Log;
  readonly metrics: Metrics;
  /** For an operation: reads are given up, and no further write starts. */
  readonly timeoutMs: number;
  readonly answers: Pick<UnreadAnswers, 'open'>;
  /** How many creates of one batch may be under way at the same time. */
  readonly batchConcurrency: number;
  readonly introspection: boolean;
  /** The only documents that run, whatever they ask of the schema; null: any. */
  readonly trusted: TrustedDocuments | null;
  /** Whether documents that were run before take the short way. */
  readonly fastLane: boolean;
}

/** What the HTTP layer hands to the endpoint with a request. */
export interface RequestFacts {
  readonly requestId?: string;
  readonly record?: RequestRecord;
}

/** The GraphQL endpoint at /graphql, in two ways that answer alike. */
export interface GraphqlEndpoint {
  /** Answers any request, as a fetch handler. */
  fetch(url: string, init: RequestInit, facts: RequestFacts): Promise<Response> | Response;
  /** The text that answers a POST in JSON of a document that was run before; null where the request is `fetch`'s. */
  answerKnown(request: IncomingMessage, body: Buffer, record: RequestRecord): Promise<string> | null;
}

export function createGraphqlEndpoint({
  schema,
  tasks,
  authenticate,
  log,
  metrics,
  timeoutMs,
  answers,
  batchConcurrency,
  introspection,
  trusted,
  fastLane,
}: GraphqlEndpointOptions): GraphqlEndpoint {
  const time = createOperationTime(timeoutMs, () => metrics.countRefusal('operation_time'));
  const timedTasks = time.limit(tasks);
  const createContext = (
    authorization: string | null,
    requestId: string,
    record: RequestRecord | undefined,
  ): GatewayContext => {
    const untilMs = time.endMs();
    const answer = answers.open();
    if (record) record.answer = answer;
    return createGatewayContext({
      requestId,
      untilMs,
      answer,
      beginStep: record?.beginStep,
      tasks: timedTasks,
      batchConcurrency,
      authenticate() {
        const caller = authenticate(authorization);
        return caller instanceof Promise ? time.within(untilMs, caller) : caller;
      },
      logFailure: (error) => {
        logFailure(error, { requestId, log, record });
        if (error instanceof TaskFailure) noteFailure(record, error.code, error.outcome);
        else noteFailure(record, 'INTERNAL_SERVER_ERROR', 'UNKNOWN');
      },
    });
  };
  const lane = fastLane ? createFastLane({ schema, trusted, log, onTaken: () => metrics.countFastAnswer() }) : null;
  const yoga = createYoga<RequestFacts, GatewayContext>({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ request: { headers }, requestId, record }) =>
      createContext(headers.get('authorization'), requestId ?? toRequestId(headers.get('x-request-id')), record),
    // The order is the order of the request's phases.
    plugins: [
      useParameterText(),
      trusted ? useTrustedDocuments(trusted) : usePersistedQueryRefusal(),
      useDocumentLimits(schema, (limit) => metrics.countRefusal(`document_${limit}`)),
      ...(introspection || trusted ? [] : [useClosedSchema()]),
      ...(lane ? [lane.plugin] : []),
      useOperationName(),
      useFailures(log),
      useOperationInput({
        hideSuggestions: !introspection,
        onOversize: () => metrics.countRefusal('argument_sizes'),
      }),
    ],
    // The HTTP layer does it, so that pages can read its own errors too.
    cors: false,
    // `useFailures` masks; the HTTP layer bounds the body, which costs less there.
    maskedErrors: false,
    maxRequestBodySize: false,
    multipart: false,
    // Yoga's own would keep a thousand documents of any length, whoever sent them.
    parserAndValidationCache: {
      documentCache: createDocumentCache(DOCUMENT_BOUNDS),
      errorCache: createDocumentCache(DOCUMENT_BOUNDS),
    },
    graphiql: false,
    landingPage: false,
    logging: false,
  });
  return {
    fetch: (url, init, facts) => yoga.fetch(url, init, facts),
    answerKnown: ({ url, headers }, body, record) => {
      if (!lane || url !== '/graphql') return null;
      return lane.answer(body, record, () => createContext(headers.authorization ?? null, record.requestId, record));
    },
  };
}
