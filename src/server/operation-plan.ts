import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNullableType,
  getOperationAST,
  isLeafType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';

/** An operation whose fields are known before it runs, in the order of the answer. */
export interface OperationPlan {
  readonly operation: OperationDefinitionNode;
  readonly isMutation: boolean;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly root: ObjectPlan;
}

export interface ObjectPlan {
  readonly type: GraphQLObjectType;
  readonly fields: readonly FieldPlan[];
}

export interface FieldPlan {
  readonly responseName: string;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  /** Null for `__typename`. */
  readonly definition: GraphQLField<unknown, unknown> | null;
  readonly isNonNull: boolean;
  /** Null where the field is a leaf. */
  readonly object: ObjectPlan | null;
  /** Null where the field is an object. */
  readonly leaf: GraphQLLeafType | null;
}

/** What a plan does not cover: such an operation is Yoga's. */
class Unplanned extends Error {}

/**
 * The plan of a valid document's operation. Null for what depends on the request or needs more than a tree of objects:
 * directives, lists, interfaces, unions, introspection, subscriptions.
 */
export function planOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): OperationPlan | null {
  const operation = getOperationAST(document, operationName);
  if (!operation || operation.operation === OperationTypeNode.SUBSCRIPTION) return null;
  const type = schema.getRootType(operation.operation);
  if (!type || operation.directives?.length) return null;
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  try {
    const root = planObject(type, [operation.selectionSet], fragments);
    const isMutation = operation.operation === OperationTypeNode.MUTATION;
    return { operation, isMutation, fragments: Object.fromEntries(fragments), root };
  } catch (error) {
    if (error instanceof Unplanned) return null;
    throw error;
  }
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function planObject(
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
  fragments: Fragments,
): ObjectPlan {
  if (type.isTypeOf) throw new Unplanned();
  const nodes = new Map<string, [FieldNode, ...FieldNode[]]>();
  const visited = new Set<string>();
  for (const selection of selections) collectFields(type, selection, fragments, nodes, visited);
  return { type, fields: [...nodes].map(([name, fieldNodes]) => planField(type, name, fieldNodes, fragments)) };
}

function planField(
  parent: GraphQLObjectType,
  responseName: string,
  nodes: readonly [FieldNode, ...FieldNode[]],
  fragments: Fragments,
): FieldPlan {
  const name = nodes[0].name.value;
  if (name === '__typename')
    return { responseName, nodes, definition: null, isNonNull: true, object: null, leaf: null };
  const definition = parent.getFields()[name];
  if (!definition) throw new Unplanned();
  const type = getNullableType(definition.type);
  const plan = { responseName, nodes, definition, isNonNull: isNonNullType(definition.type) };
  if (isLeafType(type)) return { ...plan, object: null, leaf: type };
  if (!isObjectType(type)) throw new Unplanned();
  const selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  return { ...plan, object: planObject(type, selections, fragments), leaf: null };
}

/** The fields of a selection by response name, in the order of GraphQL's CollectFields. */
function collectFields(
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  fragments: Fragments,
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
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    const condition = fragment?.typeCondition?.name.value ?? type.name;
    if (!fragment || condition !== type.name || fragment.directives?.length) throw new Unplanned();
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      if (visited.has(selection.name.value)) continue;
      visited.add(selection.name.value);
    }
    collectFields(type, fragment.selectionSet, fragments, nodes, visited);
  }
}
