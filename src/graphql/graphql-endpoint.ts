/**
 * The GraphQL endpoint. A plain JSON POST is read here and runs its compiled plan, once Yoga's pipeline has parsed and
 * validated its document; Yoga answers every other request. Both use the same plugins, documents and execution.
 */
import type { HttpRequest } from '../http/routes.ts';
import { ANSWER_HEADERS, type RequestHead } from './request-head.ts';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { createBoundedCache } from '../event-loop/bounded-cache.ts';
import { createExecution, type ExecutionOptions, type GraphqlAnswer, type ServerContext } from './execution.ts';
import { readPlainParameters, useParameterText, useQueryHint } from './request-parameters.ts';
import { usePersistedQueryRefusal, useTrustedDocuments, type TrustedDocuments } from './trusted-documents.ts';
import { useDocumentLimits } from './limits/document-limits.ts';
import { useClosedSchema, useNamedValues, useRefusals } from './yoga-plugins.ts';
import type { RequestRecord } from '../telemetry/request-record.ts';
import { type OperationPlan, planOperation } from './compiled/plan.ts';

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

export function createGraphqlEndpoint(options: GraphqlEndpointOptions): GraphqlEndpoint {
  const { schema, log, metrics, introspection, trusted } = options;
  const execution = createExecution(options);
  const documents = createBoundedCache<KnownDocument>(DOCUMENT_BOUNDS);
  const yoga = createYoga<ServerContext>({
    schema,
    graphqlEndpoint: '/graphql',
    // The order is the order of the request's phases.
    plugins: [
      useParameterText(),
      trusted ? useTrustedDocuments(trusted) : usePersistedQueryRefusal(),
      useQueryHint(),
      useDocumentLimits(schema, (limit) => metrics.countRefusal(`document_${limit}`)),
      ...(introspection || trusted ? [] : [useClosedSchema()]),
      useNamedValues(),
      execution.plugin,
      useRefusals(log),
    ],
    // The HTTP layer adds CORS headers to its own errors too, and bounds the body at less cost.
    cors: false,
    maxRequestBodySize: false,
    // `useRefusals` and the execution mask errors.
    maskedErrors: false,
    multipart: false,
    parserAndValidationCache: {
      documentCache: {
        get: (text) => documents.get(text)?.document,
        set: (text, document: DocumentNode) => documents.set(text, { document, isValid: false, plans: new Map() }),
      },
      errorCache: NO_CACHE,
    },
    graphiql: false,
    landingPage: false,
    logging: false,
  });
  /** Returns a document that may run; null where Yoga has to say what is wrong, or if the document is too long to be kept. */
  const findDocument = (text: string): KnownDocument | null => {
    const known = documents.get(text);
    if (known?.isValid) return known;
    if (text.length > MAX_KEPT_CHARACTERS) return null;
    const { parse, validate } = yoga.getEnveloped({});
    let document: DocumentNode;
    try {
      document = parse(text);
    } catch {
      return null;
    }
    const parsed = documents.get(text);
    if (!parsed || validate(schema, document).length > 0) return null;
    parsed.isValid = true;
    return parsed;
  };
  const answerPlain: (...request: Parameters<GraphqlEndpoint['answer']>) => Promise<GraphqlAnswer> | null = (
    { url, headers },
    { bodyType, answerType },
    body,
    record,
  ) => {
    const parameters =
      bodyType === 'application/json' && url === '/graphql' ? readPlainParameters(body, trusted) : null;
    const known = parameters && findDocument(parameters.query);
    const plan = known && findPlan(schema, known, parameters.operationName ?? undefined);
    return plan && execution.run(plan, parameters.variables ?? {}, headers.authorization ?? null, record, answerType);
  };
  const answerByYoga: GraphqlEndpoint['answer'] = async (
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
      { record },
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
      return answerPlain(request, head, body, record) ?? answerByYoga(request, head, body, record);
    },
  };
}

/** A parsed and planned document takes many times the memory of its text. */
const DOCUMENT_BOUNDS = { maxEntries: 1_000, maxLength: 200_000 } as const;
/** The longest text that the cache keeps. */
const MAX_KEPT_CHARACTERS = DOCUMENT_BOUNDS.maxLength / 10;
const NO_CACHE = { get: () => undefined, set: () => undefined };

/** A document that has been parsed and is within the limits. */
interface KnownDocument {
  readonly document: DocumentNode;
  isValid: boolean;
  /** By operation name; null for one that cannot be planned. */
  readonly plans: Map<string | undefined, OperationPlan | null>;
}

function findPlan(
  schema: GraphQLSchema,
  { document, plans }: KnownDocument,
  operationName: string | undefined,
): OperationPlan | null {
  const known = plans.get(operationName);
  if (known !== undefined) return known;
  const plan = planOperation(schema, document, operationName);
  // Names that are not in the document are the caller's to invent, and would fill the memory.
  if (plan || operationName === undefined) plans.set(operationName, plan);
  return plan;
}
