import type { GraphQLError, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import type { FieldPlan, OperationPlan, ResolvedField } from './plan.ts';

export type Path = GraphQLResolveInfo['path'];

/** The state of one run of an operation. */
export interface Run {
  readonly schema: GraphQLSchema;
  readonly plan: OperationPlan;
  readonly contextValue: unknown;
  readonly variables: Record<string, unknown>;
  readonly errors: GraphQLError[];
}

/** The position of a field in the answer: everything but its value. */
export interface Site {
  readonly field: FieldPlan;
  readonly resolved: ResolvedField;
  readonly parentType: GraphQLObjectType;
  /** The path of the object that holds the field; undefined at the root. */
  readonly path: Path | undefined;
}

export function fieldPath({ field, parentType, path }: Site): Path {
  return { prev: path, key: field.responseName, typename: parentType.name };
}

/** The `info` argument of a resolver. */
export function toInfo(site: Site, { schema, plan, variables }: Run): GraphQLResolveInfo {
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
