/** Answers by Yoga: it reads every request that is no plain JSON POST, runs what cannot be planned, and reports refusals. */
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  type VariableNode,
} from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { HttpRequest } from '../http/answer.ts';
import type { GatewayContext } from '../schema/context.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { RequestRecord } from '../telemetry/request-record.ts';
import { findStrictVariables, type OperationPlan } from './compiled/plan.ts';
import { findOperation } from './document-check.ts';
import { type ExecutedOperation, refusedResult } from './error-shapes.ts';
import { compileArgumentSizes } from './limits/argument-sizes.ts';
import {
  ANSWER_HEADERS,
  badRequest,
  checkParameters,
  type GraphqlParameters,
  readJsonParameters,
  type RequestHead,
} from './request-check.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

/** The answer to a GraphQL request. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A document that may run. */
export interface KnownDocument {
  readonly document: DocumentNode;
  /** By operation name; null for one that cannot be planned. */
  readonly plans: Map<string | undefined, OperationPlan | null>;
}

export interface YogaOptions {
  readonly schema: GraphQLSchema;
  readonly trusted: TrustedDocuments | null;
  /** False to leave "Did you mean" out of errors. */
  readonly introspection: boolean;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'countRefusal'>;
  /** Returns the document with a text. @throws GraphQLError if it may not run. */
  readonly findDocument: (text: string) => KnownDocument;
  /** Begins an operation: records its name and makes its context. */
  readonly begin: (
    operation: OperationDefinitionNode,
    authorization: string | null,
    record: RequestRecord,
  ) => GatewayContext;
  /** Returns the errors of an operation that ran, as callers see them. */
  readonly shapeErrors: (
    fieldErrors: readonly GraphQLError[],
    operation: ExecutedOperation,
    context: GatewayContext,
    record: RequestRecord,
  ) => readonly GraphQLError[];
}

/** The facts that are known of a request already: Yoga's server context. */
export interface YogaRequest {
  readonly record: RequestRecord;
  readonly known: KnownDocument | null;
  /** The error that refuses the request. */
  readonly refusal: unknown;
}

/** An executor that waits for all fields, also if an error nulls the whole answer: graphql-js would answer at once. */
type Execute = (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;

/** The most errors about variables in one answer. Each quotes a value, which may be as long as the request. */
const MAX_VARIABLE_ERRORS = 5;

/** Creates the function that answers a request by Yoga. */
export function createYogaAnswer(options: YogaOptions) {
  const { schema, trusted, log, findDocument, begin, shapeErrors } = options;
  const execute = async (
    args: ExecutionArgs,
    executeByYoga: Execute,
    { request, record }: { readonly request: Request; readonly record: RequestRecord },
  ): Promise<ExecutionResult> => {
    const operation = findOperation(args.document, args.operationName ?? undefined);
    const context = begin(operation, request.headers.get('authorization'), record);
    const refused = findRefusal(args, operation, options);
    const result = refused.length > 0 ? { errors: refused } : await executeByYoga({ ...args, contextValue: context });
    const { data, errors: fieldErrors = [] } = result;
    if (data === undefined) return refusedResult(fieldErrors, { record, log });
    const isMutation = operation.operation === OperationTypeNode.MUTATION;
    const errors = shapeErrors(fieldErrors, { isMutation, isLost: data === null }, context, record);
    return errors.length === 0 ? result : { ...result, errors };
  };
  const plugin: Plugin<YogaRequest, YogaRequest> = {
    onRequestParse({ requestParser, serverContext: { refusal }, setRequestParser }) {
      setRequestParser((request) => {
        if (refusal) throw refusal;
        return readParameters(request, trusted, requestParser as (request: Request) => unknown) as Promise<object>;
      });
    },
    onParse({ context: { known, params, request }, setParseFn }) {
      setParseFn((text: string): DocumentNode => {
        const { document } = known ?? findDocument(text);
        const { operation } = findOperation(document, params.operationName ?? undefined);
        if (operation !== OperationTypeNode.MUTATION || request.method !== 'GET') return document;
        throw new GraphQLError('query: expected a query with the method GET, got a mutation. Send it with POST.', {
          extensions: { code: 'BAD_REQUEST', http: { status: 405, headers: { Allow: 'POST' } } },
        });
      });
    },
    // The known documents are valid.
    onValidate: ({ setResult }) => setResult([]),
    onExecute({ context, executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => execute(args, executeFn as Execute, context));
    },
    onResultProcess(payload) {
      const { errors = [], data } = payload.result as ExecutionResult;
      const { record } = payload.serverContext;
      if (data === undefined && errors.length > 0) payload.setResult(refusedResult(errors, { record, log }));
    },
  };
  const yoga = createYoga<YogaRequest>({
    schema,
    graphqlEndpoint: '/graphql',
    plugins: [plugin],
    // The HTTP layer adds CORS headers to its own errors too, and bounds the body at less cost.
    cors: false,
    maxRequestBodySize: false,
    // `refusedResult` and `shapeErrors` mask errors.
    maskedErrors: false,
    multipart: false,
    parserAndValidationCache: false,
    graphiql: false,
    landingPage: false,
    logging: false,
  });
  return async (
    { method, url, headers }: Pick<HttpRequest, 'method' | 'url' | 'headers'>,
    { bodyType, answerType }: RequestHead,
    body: Buffer,
    context: YogaRequest,
  ): Promise<GraphqlAnswer> => {
    // Yoga compares media types literally, so it gets the types that the head was read as.
    const sent = { ...(headers as Record<string, string>), accept: answerType };
    const message =
      bodyType === ''
        ? { method, headers: sent }
        : { method, headers: { ...sent, 'content-type': bodyType }, body: body as Buffer<ArrayBuffer> };
    // A constant host: the Host header is the caller's and decides nothing here.
    const answer = await yoga.fetch(`http://gateway${url}`, message, context);
    // The answer is sent whole, with its length, so headers for a stream are left out.
    const allow = answer.headers.get('allow');
    return {
      status: answer.status,
      headers: allow === null ? ANSWER_HEADERS[answerType] : { ...ANSWER_HEADERS[answerType], Allow: allow },
      text: await answer.text(),
    };
  };
}

/** Reads the parameters of a request: those in JSON here, all others by Yoga. */
async function readParameters(
  request: Request,
  trusted: TrustedDocuments | null,
  readByYoga: (request: Request) => unknown,
): Promise<Readonly<GraphqlParameters>> {
  const type = request.method === 'POST' ? request.headers.get('content-type') : null;
  if (type?.includes('json')) return readJsonParameters(await request.text(), trusted);
  let given: object;
  try {
    given = (await readByYoga(request)) as object;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest('variables, extensions: expected JSON objects, got text that is not JSON');
  }
  if (type !== null)
    return checkParameters(
      given,
      trusted,
      `A body of type ${type} was read; for a JSON body send Content-Type: application/json.`,
    );
  const documentId = trusted && URL.parse(request.url)?.searchParams.get('documentId');
  return checkParameters({ ...given, documentId }, trusted, 'Send it as the parameter query of the URL.');
}

/**
 * Finds arguments larger than their cost assumed, bad variables and nulls that a mutation would report too late, before any of
 * the operation runs. The executor alone would report up to fifty errors about the variables.
 */
function findRefusal(
  { document, variableValues }: ExecutionArgs,
  operation: OperationDefinitionNode,
  { schema, introspection, metrics }: YogaOptions,
): readonly GraphQLError[] {
  const given = variableValues ?? {};
  const oversize = compileArgumentSizes(schema, document, operation)?.(given);
  if (oversize != null) {
    metrics.countRefusal('argument_sizes');
    return [badInput(oversize, null)];
  }
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given, {
    maxErrors: MAX_VARIABLE_ERRORS,
    hideSuggestions: !introspection,
  });
  if (errors) return errors;
  const forbidden = findStrictVariables(schema, document, operation).find(({ name }) => given[name.value] === null);
  if (!forbidden) return [];
  const message = `variables.${forbidden.name.value}: expected a value, or none for its default, got null`;
  return [badInput(message, forbidden)];
}

function badInput(message: string, nodes: VariableNode | null): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT' } });
}
