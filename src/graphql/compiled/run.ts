import {
  defaultFieldResolver,
  defaultTypeResolver,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type GraphQLAbstractType,
  locatedError,
  responsePathAsArray,
} from 'graphql';
import { JsonPieces, type Text } from './values.ts';
import type { FieldPlan, ObjectPlan, OperationPlan, ValuePlan, ResolvedField } from './plan.ts';

type Path = GraphQLResolveInfo['path'];

/** The state of one run of an operation. */
interface Run {
  readonly schema: GraphQLSchema;
  readonly plan: OperationPlan;
  readonly contextValue: unknown;
  /** As `coerceVariables` of the plan returned them. */
  readonly variables: Record<string, unknown>;
  readonly errors: GraphQLError[];
}

/** The position of a field in the answer: everything but its value. */
interface Site {
  readonly field: FieldPlan;
  readonly resolved: ResolvedField;
  readonly parentType: GraphQLObjectType;
  /** The path of the object that holds the field; undefined at the root. */
  readonly path: Path | undefined;
}

function fieldPath({ field, parentType, path }: Site): Path {
  return { prev: path, key: field.responseName, typename: parentType.name };
}

/** The `info` argument of a resolver. */
function toInfo(site: Site, { schema, plan, variables }: Run): GraphQLResolveInfo {
  const { definition } = site.resolved;
  return {
    fieldName: definition.name,
    fieldNodes: site.field.nodes,
    returnType: definition.type,
    parentType: site.parentType,
    path: fieldPath(site),
    schema,
    fragments: plan.fragments,
    rootValue: undefined,
    operation: plan.operation,
    variableValues: variables,
  };
}

/** Builds the answer from an operation's data as JSON (`null` if an error nulled all of it) and its errors in the order they occurred. */
type Finish<Answer> = (data: string, errors: readonly GraphQLError[]) => Answer | Promise<Answer>;

const RESOLVER_PARAMETERS_WITH_INFO = 4;

/** Runs a planned operation by GraphQL's execution algorithm. */
export function runOperation<Answer>(run: Run, finish: Finish<Answer>): Promise<Answer> {
  const { plan, errors } = run;
  const { root, isMutation } = plan;
  // A mutation with a single field needs no serial execution.
  const isSerial = isMutation && root.fields.length > 1;
  return toPromise(() => (isSerial ? runSerially(root, run) : runObject(root, undefined, run, undefined))).then(
    (data) => finish(data, errors),
    (error: GraphQLError) => finish('null', [...errors, error]),
  );
}

/** Returns a promise of the work's result, also if the work returns or throws synchronously. */
function toPromise(work: () => Text): Promise<string> {
  try {
    const text = work();
    return typeof text === 'string' ? Promise.resolve(text) : text;
  } catch (error) {
    return Promise.reject(error);
  }
}

async function runSerially({ fields, type }: ObjectPlan, run: Run): Promise<string> {
  let text = '{';
  for (const field of fields) text += field.label + (await runField(field, type, undefined, run, undefined));
  return `${text}}`;
}

function runObject({ fields, type }: ObjectPlan, source: unknown, run: Run, path: Path | undefined): Text {
  const json = new JsonPieces('{');
  try {
    for (const field of fields) {
      json.add(field.label);
      json.add(runField(field, type, source, run, path));
    }
  } catch (error) {
    return json.fail(error);
  }
  return json.end('}');
}

function runField(
  field: FieldPlan,
  parentType: GraphQLObjectType,
  source: unknown,
  run: Run,
  path: Path | undefined,
): Text {
  const { resolved } = field;
  if (!resolved) return `"${parentType.name}"`;
  const { definition, args, value: plan } = resolved;
  try {
    const resolve = definition.resolve ?? defaultFieldResolver;
    // Most resolvers do not use `info`, and building it would cost more than the rest of the field.
    const needsInfo = resolve.length >= RESOLVER_PARAMETERS_WITH_INFO;
    const info = needsInfo ? toInfo({ field, resolved, parentType, path }, run) : undefined;
    const value: unknown = resolve(source, args(run.variables), run.contextValue, info as GraphQLResolveInfo);
    if (plan.kind === 'leaf' && typeof value === 'string') return plan.write(value);
    return settle(value, plan, { field, resolved, parentType, path }, run, null);
  } catch (error) {
    return fail(error, plan, { field, resolved, parentType, path }, run, null);
  }
}

/** Completes a value that may be a promise. `itemPath` is null unless the value is a list item. */
function settle(value: unknown, plan: ValuePlan, site: Site, run: Run, itemPath: Path | null): Text {
  const failLater = (error: unknown): string => fail(error, plan, site, run, itemPath);
  if (isPromise(value)) {
    return value.then((settled) => {
      try {
        const text = complete(settled, plan, site, run, itemPath);
        return typeof text === 'string' ? text : text.catch(failLater);
      } catch (error) {
        return failLater(error);
      }
    }, failLater);
  }
  const text = complete(value, plan, site, run, itemPath);
  return typeof text === 'string' ? text : text.catch(failLater);
}

function complete(value: unknown, plan: ValuePlan, site: Site, run: Run, itemPath: Path | null): Text {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) {
    if (!plan.isNonNull) return 'null';
    const { parentType, resolved } = site;
    throw new Error(`Cannot return null for non-nullable field ${parentType.name}.${resolved.definition.name}.`);
  }
  if (plan.kind === 'leaf') return plan.write(value);
  const path = itemPath ?? fieldPath(site);
  if (plan.kind === 'object') return runObject(plan.object, value, run, path);
  if (plan.kind === 'list') return completeList(value, plan.item, site, run, path);
  const name = typeName(value, plan.type, site, run);
  return isPromise(name)
    ? name.then((settled) => runObject(memberPlan(settled, plan.objects), value, run, path))
    : runObject(memberPlan(name, plan.objects), value, run, path);
}

function completeList(value: unknown, plan: ValuePlan, site: Site, run: Run, path: Path): Text {
  if (typeof value !== 'object' || !(Symbol.iterator in (value as object)))
    throw new GraphQLError(`Expected Iterable, but did not find one for field "${site.resolved.definition.name}".`);
  const json = new JsonPieces('[');
  let key = 0;
  try {
    for (const item of value as Iterable<unknown>) {
      if (key > 0) json.add(',');
      json.add(completeItem(item, plan, site, run, { prev: path, key, typename: undefined }));
      key += 1;
    }
  } catch (error) {
    return json.fail(error);
  }
  return json.end(']');
}

function completeItem(item: unknown, plan: ValuePlan, site: Site, run: Run, itemPath: Path): Text {
  try {
    return settle(item, plan, site, run, itemPath);
  } catch (error) {
    return fail(error, plan, site, run, itemPath);
  }
}

function typeName(value: unknown, type: GraphQLAbstractType, site: Site, run: Run): unknown {
  return (type.resolveType ?? defaultTypeResolver)(value, run.contextValue, toInfo(site, run), type);
}

function memberPlan(name: unknown, objects: ReadonlyMap<string, ObjectPlan>): ObjectPlan {
  const plan = objects.get(name as string);
  if (!plan) throw new Error(`An abstract type cannot be ${String(name)}.`);
  return plan;
}

/** Records the error and returns null for a nullable value; throws it to the parent for a non-null one. */
function fail(error: unknown, { isNonNull }: ValuePlan, site: Site, run: Run, itemPath: Path | null): string {
  const located = locatedError(error, site.field.nodes, responsePathAsArray(itemPath ?? fieldPath(site)));
  if (isNonNull) throw located;
  run.errors.push(located);
  return 'null';
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}
