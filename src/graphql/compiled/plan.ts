import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type GraphQLAbstractType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  TypeInfo,
  ValidationContext,
  type VariableNode,
} from 'graphql';
import { compileArgumentSizes } from '../limits/argument-sizes.ts';
import {
  type ArgumentValues,
  type CoerceVariables,
  compileArguments,
  compileVariables,
  type LeafText,
  leafText,
} from './values.ts';

/** An operation compiled ahead of its runs: its fields in the order of the answer. */
export interface OperationPlan {
  readonly operation: OperationDefinitionNode;
  readonly isMutation: boolean;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly coerceVariables: CoerceVariables;
  readonly root: ObjectPlan;
}

export interface ObjectPlan {
  readonly type: GraphQLObjectType;
  readonly fields: readonly FieldPlan[];
}

export interface FieldPlan {
  readonly responseName: string;
  /** The JSON before the field's value: `"name":`, with a leading comma unless it is the first field. */
  readonly label: string;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  /** Null for `__typename`. */
  readonly resolved: ResolvedField | null;
}

export interface ResolvedField {
  readonly definition: GraphQLField<unknown, unknown>;
  readonly args: ArgumentValues;
  readonly value: ValuePlan;
}

/** The plan for the value of a field or list item. */
export type ValuePlan = { readonly isNonNull: boolean } & (
  | { readonly kind: 'leaf'; readonly write: LeafText }
  | { readonly kind: 'object'; readonly object: ObjectPlan }
  | {
      readonly kind: 'abstract';
      readonly type: GraphQLAbstractType;
      /** The plans of its possible types by their names. */
      readonly objects: ReadonlyMap<string, ObjectPlan>;
    }
  | { readonly kind: 'list'; readonly item: ValuePlan }
);

/** Thrown for an operation that cannot be planned. Yoga runs it. */
class Unplanned extends Error {}

/**
 * Plans a query or mutation of a valid document; null if it has directives or introspection, which depend on the request or do
 * not fit a tree of fields.
 */
export function planOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationPlan | null {
  const type = schema.getRootType(operation.operation);
  if (!type || operation.directives?.length) return null;
  const fragments = Object.fromEntries(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  try {
    const root = planObject(type, [operation.selectionSet], { schema, fragments });
    const isMutation = operation.operation === OperationTypeNode.MUTATION;
    return { operation, isMutation, fragments, coerceVariables: compileInput(schema, document, operation), root };
  } catch (error) {
    if (error instanceof Unplanned) return null;
    throw error;
  }
}

/** Compiles the coercion of variables; it also returns null for an argument that is too large or a forbidden null. */
function compileInput(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): CoerceVariables {
  const coerce = compileVariables(schema, operation);
  const strict = findStrictVariables(schema, document, operation);
  const findOversize = compileArgumentSizes(schema, document, operation);
  if (!findOversize && strict.length === 0) return coerce;
  return (given) => {
    const isRefused = strict.some(({ name }) => given[name.value] === null) || (findOversize?.(given) ?? null) !== null;
    return isRefused ? null : coerce(given);
  };
}

/**
 * Finds the variables of a mutation that have a default, and a place that allows no null. GraphQL itself reports a null for one
 * only when it comes to the field, and by then a write has been carried out.
 */
export function findStrictVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): readonly VariableNode[] {
  const hasDefaults = operation.variableDefinitions?.some(({ defaultValue }) => defaultValue);
  if (operation.operation !== OperationTypeNode.MUTATION || !hasDefaults) return [];
  return new ValidationContext(schema, document, new TypeInfo(schema), () => undefined)
    .getRecursiveVariableUsages(operation)
    .flatMap(({ node, type }) => (isNonNullType(type) ? [node] : []));
}

interface Scope {
  readonly schema: GraphQLSchema;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
}

function planObject(type: GraphQLObjectType, selections: readonly SelectionSetNode[], scope: Scope): ObjectPlan {
  // The executor would have to call `isTypeOf`.
  if (type.isTypeOf) throw new Unplanned();
  const nodes = new Map<string, [FieldNode, ...FieldNode[]]>();
  const visited = new Set<string>();
  for (const selection of selections) collectFields(type, selection, scope, nodes, visited);
  const fields = [...nodes].map(([name, fieldNodes], index) => ({
    ...planField(type, name, fieldNodes, scope),
    label: `${index === 0 ? '' : ','}"${name}":`,
  }));
  return { type, fields };
}

function planField(
  parent: GraphQLObjectType,
  responseName: string,
  nodes: readonly [FieldNode, ...FieldNode[]],
  scope: Scope,
): Omit<FieldPlan, 'label'> {
  const plan = { responseName, nodes };
  const name = nodes[0].name.value;
  if (name === '__typename') return { ...plan, resolved: null };
  const definition = parent.getFields()[name];
  if (!definition) throw new Unplanned();
  const selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const value = planValue(definition.type, selections, scope);
  return { ...plan, resolved: { definition, args: compileArguments(definition, nodes[0]), value } };
}

function planValue(outputType: GraphQLOutputType, selections: readonly SelectionSetNode[], scope: Scope): ValuePlan {
  const isNonNull = isNonNullType(outputType);
  const type = getNullableType(outputType);
  if (isLeafType(type)) return { kind: 'leaf', isNonNull, write: leafText(type) };
  if (isListType(type)) return { kind: 'list', isNonNull, item: planValue(type.ofType, selections, scope) };
  if (isAbstractType(type)) {
    const members = scope.schema.getPossibleTypes(type);
    const objects = new Map(members.map((member) => [member.name, planObject(member, selections, scope)]));
    return { kind: 'abstract', isNonNull, type, objects };
  }
  return { kind: 'object', isNonNull, object: planObject(type, selections, scope) };
}

/** Collects the fields of a selection by response name, in the order of GraphQL's CollectFields. */
function collectFields(
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  scope: Scope,
  nodes: Map<string, [FieldNode, ...FieldNode[]]>,
  visited: Set<string>,
): void {
  for (const selection of selections) {
    if (selection.directives?.length) throw new Unplanned();
    if (selection.kind === Kind.FIELD) {
      const name = selection.alias?.value ?? selection.name.value;
      const known = nodes.get(name);
      if (known) known.push(selection);
      else nodes.set(name, [selection]);
      continue;
    }
    const isSpread = selection.kind === Kind.FRAGMENT_SPREAD;
    if (isSpread && visited.has(selection.name.value)) continue;
    if (isSpread) visited.add(selection.name.value);
    const fragment = isSpread ? scope.fragments[selection.name.value] : selection;
    if (!fragment || fragment.directives?.length) throw new Unplanned();
    const condition = scope.schema.getType(fragment.typeCondition?.name.value ?? type.name);
    const applies = condition === type || (isAbstractType(condition) && scope.schema.isSubType(condition, type));
    if (applies) collectFields(type, fragment.selectionSet, scope, nodes, visited);
  }
}
