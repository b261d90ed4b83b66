import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GatewayContext } from '../schema/context.ts';
import { createDocumentCache, DOCUMENT_BOUNDS, UNPROVEN_BOUNDS } from './document-cache.ts';
import { executionErrors, withShortDetails } from './error-shapes.ts';
import { readDocumentId, type TrustedDocuments } from './trusted-documents.ts';
import type { Log } from '../telemetry/log.ts';
import { noteOperation } from './yoga-plugins.ts';
import { type OperationPlan, planOperation } from './compiled/plan.ts';
import { type Finish, runOperation } from './compiled/run.ts';
import { type RequestRecord, toOutcome } from '../telemetry/request-record.ts';

/**
 * A short way for requests whose document Yoga has parsed, validated and run before: no Fetch Request and Response, no
 * plugins. It has no semantics of its own: whatever is not plainly such a request goes to Yoga, and one suite compares both.
 */
export interface FastLane {
  /** The answer's text to come; null where the request is Yoga's, before anything of it has run. */
  answer(body: Buffer, record: RequestRecord, createContext: () => GatewayContext): Promise<string> | null;
  /** Teaches the lane what Yoga runs. */
  readonly plugin: Plugin<GatewayContext>;
}

const PARAMETERS: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions']);
/** With which Apollo Client says what it is; any other extension may mean something. */
const IDLE_EXTENSIONS: ReadonlySet<string> = new Set(['clientLibrary']);
/** Where documents are trusted, a request names one instead of its query. */
const NAMING_PARAMETERS: ReadonlySet<string> = new Set(['documentId', 'variables', 'operationName', 'extensions']);
const NAMING_EXTENSIONS: ReadonlySet<string> = new Set(['clientLibrary', 'persistedQuery']);

interface Parameters {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
  readonly operationName: string | null | undefined;
}

export interface FastLaneOptions {
  readonly schema: GraphQLSchema;
  /** The only documents that run; null: any. */
  readonly trusted: TrustedDocuments | null;
  readonly log: Log;
  readonly onTaken: () => void;
}

export function createFastLane({ schema, trusted, log, onTaken }: FastLaneOptions): FastLane {
  const documents = createDocumentCache<KnownDocument>(DOCUMENT_BOUNDS);
  // Documents that have run for no known caller. They cannot evict those that have.
  const unproven = createDocumentCache<KnownDocument>(UNPROVEN_BOUNDS);
  const keepForKnownCaller = async (
    query: string,
    known: KnownDocument,
    context: GatewayContext,
    record: RequestRecord | undefined,
  ): Promise<void> => {
    if (await isCallerKnown(context, record)) documents.set(query, known);
  };
  return {
    answer(body, record, createContext) {
      const parameters = parseParameters(body, trusted);
      if (!parameters) return null;
      const { query } = parameters;
      const kept = documents.get(query);
      const known = kept ?? unproven.get(query);
      if (!known) return null;
      const operationName = parameters.operationName ?? undefined;
      const plan = findPlan(schema, known, operationName);
      if (!plan) return null;
      const context = createContext();
      const finish: Finish<string> = (data, fieldErrors) => {
        noteOperation(record, plan.operation);
        const errors = withShortDetails(fieldErrors, context.answer);
        if (errors.length > 0) {
          const { requestId, created, uncertain } = context;
          const executed = { errors, data: data === 'null' ? null : {} };
          const told = executionErrors(executed, known.document, operationName, {
            requestId,
            created,
            uncertain,
            record,
            log,
          });
          return `{"errors":${JSON.stringify(told)},"data":${data}}`;
        }
        const answer = `{"data":${data}}`;
        return kept ? answer : keepForKnownCaller(query, known, context, record).then(() => answer);
      };
      const running = runOperation(schema, plan, context, parameters.variables ?? {}, finish);
      if (running) onTaken();
      return running;
    },
    plugin: {
      onExecute: ({ args }) => {
        const context = args.contextValue as YogaContext;
        const { query } = context.params;
        if (!query || documents.get(query)) return undefined;
        const known: KnownDocument = unproven.get(query) ?? {
          document: args.document as DocumentNode,
          plans: new Map(),
        };
        (trusted ? documents : unproven).set(query, known);
        return {
          async onExecuteDone({ result }) {
            const hasErrors = 'errors' in result && result.errors;
            if (!hasErrors) await keepForKnownCaller(query, known, context, context.record);
          },
        };
      },
    },
  };
}

type YogaContext = GatewayContext & { readonly params: { readonly query?: string }; readonly record?: RequestRecord };

interface KnownDocument {
  readonly document: DocumentNode;
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

/**
 * Null for anything but an object with the members a GraphQL request has, each of its type, and extensions that mean nothing.
 * Where documents are trusted, the query is the one it names.
 */
function parseParameters(body: Buffer, trusted: TrustedDocuments | null): Parameters | null {
  let parameters: unknown;
  try {
    parameters = JSON.parse(body.toString());
  } catch {
    return null;
  }
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return null;
  const { query: given, variables, operationName, extensions } = parameters as Record<string, unknown>;
  const query = trusted ? trusted.get(readDocumentId(parameters) ?? '') : given;
  if (typeof query !== 'string') return null;
  if (!isAbsentOrObject(variables) || !isAbsentOrObject(extensions)) return null;
  const idle = trusted ? NAMING_EXTENSIONS : IDLE_EXTENSIONS;
  if (extensions && Object.keys(extensions).some((name) => !idle.has(name))) return null;
  if (operationName != null && (typeof operationName !== 'string' || operationName === '')) return null;
  const names = trusted ? NAMING_PARAMETERS : PARAMETERS;
  for (const name of Object.keys(parameters)) if (!names.has(name)) return null;
  return { query, variables, operationName };
}

function isAbsentOrObject(value: unknown): value is Readonly<Record<string, unknown>> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value));
}

/**
 * Returns true if a request without errors came from a known caller: the gateway has checked the credentials itself, or
 * the service has created something for them.
 */
async function isCallerKnown(context: GatewayContext, record: RequestRecord | undefined): Promise<boolean> {
  if (record && toOutcome(record) === 'CREATED') return true;
  try {
    const caller = await context.knownCaller();
    return caller !== undefined && caller.kind !== 'forwarded';
  } catch {
    return false;
  }
}
