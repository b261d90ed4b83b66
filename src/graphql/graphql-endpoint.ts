/** The GraphQL endpoint: Yoga with its plugins in the order of a request's phases, and the fast lane in front of it. */
import type { HttpRequest } from '../http/routes.ts';
import { ANSWER_HEADERS } from './accept.ts';
import type { RequestHead } from './request-head.ts';
import { type GraphQLSchema, type ExecutionArgs, getOperationAST, getVariableValues, GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';
import { createGatewayContext, type GatewayContext } from '../schema/context.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { useClosedSchema, useOperationName, useParameterText, useQueryHint } from './yoga-plugins.ts';
import { createDocumentCache, DOCUMENT_BOUNDS } from './document-cache.ts';
import { usePersistedQueryRefusal, useTrustedDocuments, type TrustedDocuments } from './trusted-documents.ts';
import { useDocumentLimits } from './limits/document-limits.ts';
import { logFailure } from './error-shapes.ts';
import { useErrorShapes } from './error-plugin.ts';
import { createFastLane } from './fast-lane.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createOperationTime } from './limits/operation-time.ts';
import { toRequestId, noteFailure, type RequestRecord } from '../telemetry/request-record.ts';
import type { UnreadAnswers } from './limits/unread-answers.ts';
import { compileArgumentSizes } from './limits/argument-sizes.ts';

export interface GraphqlEndpointOptions {
  readonly schema: GraphQLSchema;
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The time limit of an operation: after it reads fail and no further write starts. */
  readonly timeoutMs: number;
  readonly answers: Pick<UnreadAnswers, 'open'>;
  /** The number of creates of one batch that may be in flight at once. */
  readonly batchConcurrency: number;
  readonly introspection: boolean;
  /** The only documents that may run, introspection included; null if any document may. */
  readonly trusted: TrustedDocuments | null;
  /** True if documents that have run before skip Yoga. */
  readonly fastLane: boolean;
}

/** The values that the HTTP layer passes with a request: Yoga's server context. */
export interface ServerContext {
  readonly requestId?: string;
  readonly record?: RequestRecord;
}

/** The answer to a GraphQL request. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface GraphqlEndpoint {
  /** Answers a request whose head has been accepted and whose body has been read. */
  answer(
    request: Pick<HttpRequest, 'method' | 'url' | 'headers'>,
    head: RequestHead,
    body: Buffer,
    record: RequestRecord,
  ): Promise<GraphqlAnswer>;
  /** Answers any request, as a fetch handler. */
  fetch(url: string, init: RequestInit, context: ServerContext): Promise<Response> | Response;
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
    const deadlineMs = time.deadlineMs();
    const answer = answers.open();
    if (record) record.answer = answer;
    return createGatewayContext({
      requestId,
      deadlineMs,
      answer,
      tasks: timedTasks,
      batchConcurrency,
      authenticate() {
        const caller = authenticate(authorization);
        return caller instanceof Promise ? time.within(deadlineMs, caller) : caller;
      },
      logFailure: (error) => {
        logFailure(error, { requestId, log, record });
        if (error instanceof TaskFailure) noteFailure(record, error.code, error.outcome);
        else noteFailure(record, 'INTERNAL_SERVER_ERROR', 'UNKNOWN');
      },
    });
  };
  const lane = fastLane ? createFastLane({ schema, trusted, log, onTaken: () => metrics.countFastAnswer() }) : null;
  const yoga = createYoga<ServerContext, GatewayContext>({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ request: { headers }, requestId, record }) =>
      createContext(headers.get('authorization'), requestId ?? toRequestId(headers.get('x-request-id')), record),
    // The order is the order of the request's phases.
    plugins: [
      useParameterText(),
      trusted ? useTrustedDocuments(trusted) : usePersistedQueryRefusal(),
      useQueryHint(),
      useDocumentLimits(schema, (limit) => metrics.countRefusal(`document_${limit}`)),
      ...(introspection || trusted ? [] : [useClosedSchema()]),
      ...(lane ? [lane.plugin] : []),
      useOperationName(),
      useErrorShapes(log),
      useOperationInput({
        hideSuggestions: !introspection,
        onOversize: () => metrics.countRefusal('argument_sizes'),
      }),
    ],
    // The HTTP layer adds CORS headers to its own errors too, and bounds the body at less cost.
    cors: false,
    maxRequestBodySize: false,
    // `useErrorShapes` masks errors.
    maskedErrors: false,
    multipart: false,
    // Yoga's default cache would keep a thousand documents of any length from any caller.
    parserAndValidationCache: {
      documentCache: createDocumentCache(DOCUMENT_BOUNDS),
      errorCache: createDocumentCache(DOCUMENT_BOUNDS),
    },
    graphiql: false,
    landingPage: false,
    logging: false,
  });
  const answerKnown: (...request: Parameters<GraphqlEndpoint['answer']>) => Promise<string> | null = (
    { url, headers },
    { bodyType },
    body,
    record,
  ) => {
    if (!lane || bodyType !== 'application/json' || url !== '/graphql') return null;
    return lane.answer(body, record, () => createContext(headers.authorization ?? null, record.requestId, record));
  };
  const answerWithYoga: GraphqlEndpoint['answer'] = async (
    { method, url, headers },
    { bodyType, answerType },
    body,
    record,
  ) => {
    const hasBody = bodyType !== '';
    const answer = await yoga.fetch(
      // A constant host: the Host header is the caller's and decides nothing here.
      `http://gateway${url}`,
      {
        method,
        // Yoga compares media types literally, so it gets the types that the head was read as.
        headers: {
          ...(headers as Record<string, string>),
          accept: answerType,
          ...(hasBody ? { 'content-type': bodyType } : {}),
        },
        ...(hasBody ? { body: body as Buffer<ArrayBuffer> } : {}),
      },
      { requestId: record.requestId, record },
    );
    // The answer is sent whole, with its length, so headers for a stream are left out.
    const allow = answer.headers.get('allow');
    return {
      status: answer.status,
      headers: allow === null ? ANSWER_HEADERS[answerType] : { ...ANSWER_HEADERS[answerType], Allow: allow },
      text: await answer.text(),
    };
  };
  return {
    answer(request, head, body, record) {
      const known = answerKnown(request, head, body, record);
      if (!known) return answerWithYoga(request, head, body, record);
      return known.then((text) => ({ status: 200, headers: ANSWER_HEADERS[head.answerType], text }));
    },
    fetch: (url, init, context) => yoga.fetch(url, init, context),
  };
}

/** The most errors about variables in one answer. Each quotes a value, which may be as long as the request. */
const MAX_VARIABLE_ERRORS = 5;

export interface OperationInputOptions {
  readonly hideSuggestions: boolean;
  /** Called when an operation is refused because an argument is too large. */
  readonly onOversize: () => void;
}

/**
 * Refuses an operation with arguments larger than its cost assumed, or with bad variables, before any of it runs. The
 * executor alone would report up to fifty errors about the variables.
 */
function useOperationInput({ hideSuggestions, onOversize }: OperationInputOptions): Plugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { schema, document, operationName, variableValues } = args as ExecutionArgs;
      const operation = getOperationAST(document, operationName);
      if (!operation) return;
      const { variableDefinitions = [] } = operation;
      const given = variableValues ?? {};
      const oversize = compileArgumentSizes(schema, document, operation)?.(given);
      if (oversize != null) {
        onOversize();
        const extensions = { code: 'BAD_USER_INPUT', http: { spec: true, status: 400 } };
        return setResultAndStopExecution({ errors: [new GraphQLError(oversize, { extensions })] });
      }
      const options = { maxErrors: MAX_VARIABLE_ERRORS, hideSuggestions };
      const { errors } = getVariableValues(schema, variableDefinitions, given, options);
      if (errors) setResultAndStopExecution({ errors });
    },
  };
}
