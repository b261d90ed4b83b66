/**
 * The GraphQL endpoint. A plain JSON POST is read here and runs its compiled plan. Yoga reads every other request, and answers
 * what cannot be planned or is refused. Both use the same parameters, documents and execution.
 */
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  OperationTypeNode,
} from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { HttpRequest } from '../http/answer.ts';
import type { RequestRecord } from '../telemetry/request-record.ts';
import { refusedResult } from './error-shapes.ts';
import { createExecution, type Execute, type ExecutionOptions, type GraphqlAnswer } from './execution.ts';
import { createBoundedCache } from '../event-loop/bounded-cache.ts';
import { type OperationPlan, planOperation } from './compiled/plan.ts';
import { createDocumentCheck, findOperation } from './document-check.ts';
import {
  ANSWER_HEADERS,
  badRequest,
  checkParameters,
  type GraphqlParameters,
  readJsonParameters,
  type RequestHead,
} from './request-check.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

export interface GraphqlEndpointOptions extends ExecutionOptions {
  /** The only documents that may run, introspection included; null if any document may. */
  readonly trusted: TrustedDocuments | null;
}

export interface GraphqlEndpoint {
  /** Answers a request whose head has been accepted and whose body has been read. */
  answer(
    request: Pick<HttpRequest, 'method' | 'url' | 'headers'>,
    head: RequestHead,
    body: Buffer,
    record: RequestRecord,
  ): Promise<GraphqlAnswer>;
}

/** A parsed and planned document takes many times the memory of its text. A text of more than a tenth of this is not kept. */
const DOCUMENT_BOUNDS = { maxEntries: 1_000, maxLength: 200_000 } as const;

/** A document that may run. */
interface KnownDocument {
  readonly document: DocumentNode;
  /** By operation name; null for one that cannot be planned. */
  readonly plans: Map<string | undefined, OperationPlan | null>;
}

/** A request on its way to Yoga, with what is known of it already: Yoga's server context. */
interface YogaRequest {
  readonly record: RequestRecord;
  readonly known: KnownDocument | null;
  /** The error that refuses the request. */
  readonly refusal: unknown;
}

export function createGraphqlEndpoint(options: GraphqlEndpointOptions): GraphqlEndpoint {
  const { schema, log, metrics, introspection, trusted } = options;
  const execution = createExecution(options);
  const documents = createBoundedCache<KnownDocument>(DOCUMENT_BOUNDS);
  const checkDocument = createDocumentCheck({
    schema,
    isClosed: !introspection && !trusted,
    onRefused: (limit) => metrics.countRefusal(`document_${limit}`),
  });
  const findDocument = (text: string): KnownDocument => {
    const known = documents.get(text);
    if (known) return known;
    const checked = { document: checkDocument(text), plans: new Map() };
    documents.set(text, checked);
    return checked;
  };
  const read = async (
    request: Request,
    readByYoga: (request: Request) => unknown,
  ): Promise<Readonly<GraphqlParameters>> => {
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
  };
  const plugin: Plugin<YogaRequest, YogaRequest> = {
    onRequestParse({ requestParser, serverContext: { refusal }, setRequestParser }) {
      setRequestParser((request) => {
        if (refusal) throw refusal;
        return read(request, requestParser as (request: Request) => unknown) as Promise<object>;
      });
    },
    onParse({ context: { known, params, request }, setParseFn }) {
      setParseFn((text: string): DocumentNode => {
        const { document } = known ?? findDocument(text);
        const { operation } = findOperation(document, params.operationName ?? undefined);
        if (operation === OperationTypeNode.MUTATION && request.method === 'GET') throw mutationByGet();
        return document;
      });
    },
    // The known documents are valid.
    onValidate: ({ setResult }) => setResult([]),
    onExecute({ context: { request, record }, executeFn, setExecuteFn }) {
      const authorization = request.headers.get('authorization');
      setExecuteFn((args: ExecutionArgs) => execution.execute(args, executeFn as Execute, authorization, record));
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
    // `refusedResult` and the execution mask errors.
    maskedErrors: false,
    multipart: false,
    parserAndValidationCache: false,
    graphiql: false,
    landingPage: false,
    logging: false,
  });
  const answerByYoga = async (
    { method, url, headers }: Parameters<GraphqlEndpoint['answer']>[0],
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
  return {
    answer(request, head, body, record) {
      if (head.bodyType !== 'application/json')
        return answerByYoga(request, head, body, { record, known: null, refusal: null });
      let known: KnownDocument | null = null;
      try {
        const { query, variables, operationName } = readJsonParameters(body.toString(), trusted);
        known = findDocument(query);
        const plan = findPlan(schema, known, operationName ?? undefined);
        const { authorization = null } = request.headers;
        const answering = plan && execution.run(plan, variables ?? {}, authorization, record, head.answerType);
        if (answering) return answering;
      } catch (refusal) {
        return answerByYoga(request, head, body, { record, known, refusal });
      }
      return answerByYoga(request, head, body, { record, known, refusal: null });
    },
  };
}

/** Returns the plan of an operation; null if it cannot be planned. @throws GraphQLError if there is no such operation. */
function findPlan(
  schema: GraphQLSchema,
  { document, plans }: KnownDocument,
  operationName: string | undefined,
): OperationPlan | null {
  const known = plans.get(operationName);
  if (known !== undefined) return known;
  // Only names in the document are kept; the others are the caller's to invent, and would fill the memory.
  const plan = planOperation(schema, document, findOperation(document, operationName));
  plans.set(operationName, plan);
  return plan;
}

function mutationByGet(): GraphQLError {
  const extensions = { code: 'BAD_REQUEST', http: { status: 405, headers: { Allow: 'POST' } } };
  return new GraphQLError('query: expected a query with the method GET, got a mutation. Send it with POST.', {
    extensions,
  });
}
