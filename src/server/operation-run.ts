import {
  defaultFieldResolver,
  type ExecutionResult,
  getArgumentValues,
  getVariableValues,
  type GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  locatedError,
  responsePathAsArray,
} from 'graphql';
import type { FieldPlan, ObjectPlan, OperationPlan } from './operation-plan.ts';

type Path = GraphQLResolveInfo['path'];

interface Run {
  readonly schema: GraphQLSchema;
  readonly plan: OperationPlan;
  readonly contextValue: unknown;
  readonly variables: Record<string, unknown>;
  /** In the order in which they happened. */
  readonly errors: GraphQLError[];
}

type Data = Record<string, unknown>;
const NO_ARGUMENTS: Readonly<Record<string, never>> = Object.freeze({});
const RESOLVER_PARAMETERS_WITH_INFO = 4;

/** Runs a planned operation as GraphQL's execution algorithm has it; null, with nothing run, where a variable is bad. */
export async function runOperation(
  schema: GraphQLSchema,
  plan: OperationPlan,
  contextValue: unknown,
  variables: Readonly<Record<string, unknown>>,
): Promise<ExecutionResult | null> {
  const { operation, isMutation, root } = plan;
  const { coerced, errors: badVariables } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    variables,
    // They are not looked at, and each would quote the value it is about.
    { maxErrors: 1 },
  );
  if (badVariables) return null;
  const run: Run = { schema, plan, contextValue, variables: coerced, errors: [] };
  const { errors } = run;
  try {
    const data = await (isMutation ? runSerially(root, run) : runObject(root, undefined, run, undefined));
    return errors.length === 0 ? { data } : { errors, data };
  } catch (error) {
    return { errors: [...errors, error as GraphQLError], data: null };
  }
}

async function runSerially({ fields, type }: ObjectPlan, run: Run): Promise<Data> {
  const data = Object.create(null) as Data;
  for (const field of fields) data[field.responseName] = await runField(field, type, undefined, run, undefined);
  return data;
}

function runObject(
  { fields, type }: ObjectPlan,
  source: unknown,
  run: Run,
  path: Path | undefined,
): Data | Promise<Data> {
  const data = Object.create(null) as Data;
  let pending: Promise<void>[] | null = null;
  for (const field of fields) {
    const { responseName } = field;
    const value = runField(field, type, source, run, path);
    data[responseName] = value;
    if (isPromise(value)) {
      pending ??= [];
      pending.push(value.then((settled) => void (data[responseName] = settled)));
    }
  }
  return pending ? Promise.all(pending).then(() => data) : data;
}

function runField(
  field: FieldPlan,
  parentType: GraphQLObjectType,
  source: unknown,
  run: Run,
  parent: Path | undefined,
): unknown {
  const { definition, nodes } = field;
  if (!definition) return parentType.name;
  try {
    const args = definition.args.length === 0 ? NO_ARGUMENTS : getArgumentValues(definition, nodes[0], run.variables);
    const resolve = definition.resolve ?? defaultFieldResolver;
    // Most resolvers do not ask for `info`; making one for each field would cost more than the rest of it.
    const info =
      resolve.length < RESOLVER_PARAMETERS_WITH_INFO ? undefined : toInfo(field, definition, parentType, run, parent);
    const value: unknown = resolve(source, args, run.contextValue, info as GraphQLResolveInfo);
    if (!isPromise(value)) {
      const completed = complete(field, parentType, value, run, parent);
      return isPromise(completed)
        ? completed.catch((error: unknown) => fail(field, parentType, error, run, parent))
        : completed;
    }
    return value
      .then((settled) => complete(field, parentType, settled, run, parent))
      .catch((error: unknown) => fail(field, parentType, error, run, parent));
  } catch (error) {
    return fail(field, parentType, error, run, parent);
  }
}

function complete(
  field: FieldPlan,
  parentType: GraphQLObjectType,
  value: unknown,
  run: Run,
  parent: Path | undefined,
): unknown {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) {
    if (field.isNonNull)
      throw new Error(`Cannot return null for non-nullable field ${parentType.name}.${field.definition?.name}.`);
    return null;
  }
  if (field.object) return runObject(field.object, value, run, addPath(parent, field.responseName, parentType.name));
  const serialized = field.leaf?.serialize(value);
  if (serialized === null || serialized === undefined) throw new Error(`Expected a value of ${field.leaf?.name}.`);
  return serialized;
}

/** A nullable field is null with its error noted; a non-null one passes the error to its parent. */
function fail(
  { nodes, responseName, isNonNull }: FieldPlan,
  parentType: GraphQLObjectType,
  error: unknown,
  run: Run,
  parent: Path | undefined,
): null {
  const located = locatedError(error, nodes, responsePathAsArray(addPath(parent, responseName, parentType.name)));
  if (isNonNull) throw located;
  run.errors.push(located);
  return null;
}

function toInfo(
  { nodes, responseName }: FieldPlan,
  definition: GraphQLField<unknown, unknown>,
  parentType: GraphQLObjectType,
  { schema, plan, variables }: Run,
  parent: Path | undefined,
): GraphQLResolveInfo {
  return {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    path: addPath(parent, responseName, parentType.name),
    schema,
    fragments: plan.fragments,
    rootValue: undefined,
    operation: plan.operation,
    variableValues: variables,
  };
}

function addPath(prev: Path | undefined, key: string, typename: string): Path {
  return { prev, key, typename };
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}
