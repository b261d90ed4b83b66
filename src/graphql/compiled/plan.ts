import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type GraphQLAbstractType,
  getDirectiveValues,
  getNullableType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql';
import { type ArgumentValues, compileArguments, type LeafText, leafText, type Values } from './values.ts';
import { compileInput, type InputOptions, type ReadVariables } from './variables.ts';

/** An operation compiled ahead of its runs: its fields in the order of the answer. */
export interface OperationPlan {
  readonly operation: OperationDefinitionNode;
  readonly isMutation: boolean;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly readVariables: ReadVariables;
  /** Returns the fields that are not skipped with these variables. @throws GraphQLError if a directive has no value. */
  readonly root: (variables: Values) => ObjectPlan;
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

/** Plans a query or mutation of a valid document. */
export function planOperation(
  options: InputOptions,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationPlan {
  const { schema } = options;
  const type = schema.getRootType(operation.operation) as GraphQLObjectType;
  const fragments = Object.fromEntries(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  let known: ObjectPlan | null = null;
  return {
    operation,
    isMutation: operation.operation === OperationTypeNode.MUTATION,
    fragments,
    readVariables: compileInput(options, document, operation),
    root(variables) {
      if (known) return known;
      const scope = { schema, fragments, variables, isConditional: false };
      const root = planObject(type, [operation.selectionSet], scope);
      if (!scope.isConditional) known = root;
      return root;
    },
  };
}

interface Scope {
  readonly schema: GraphQLSchema;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly variables: Values;
  /** True if the fields depend on the variables. */
  isConditional: boolean;
}

function planObject(type: GraphQLObjectType, selections: readonly SelectionSetNode[], scope: Scope): ObjectPlan {
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
  const definition = findField(parent, name, scope.schema);
  const selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const value = planValue(definition.type, selections, scope);
  return { ...plan, resolved: { definition, args: compileArguments(definition, nodes[0]), value } };
}

/** Returns a field, which the validated document selects. */
function findField(type: GraphQLObjectType, name: string, schema: GraphQLSchema): GraphQLField<unknown, unknown> {
  if (name === SchemaMetaFieldDef.name && type === schema.getQueryType()) return SchemaMetaFieldDef;
  if (name === TypeMetaFieldDef.name && type === schema.getQueryType()) return TypeMetaFieldDef;
  return type.getFields()[name] as GraphQLField<unknown, unknown>;
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
    if (isSkipped(selection, scope)) continue;
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
    if (!fragment) continue;
    const condition = scope.schema.getType(fragment.typeCondition?.name.value ?? type.name);
    const applies = condition === type || (isAbstractType(condition) && scope.schema.isSubType(condition, type));
    if (applies) collectFields(type, fragment.selectionSet, scope, nodes, visited);
  }
}

/** Evaluates @skip and @include. */
function isSkipped(node: SelectionNode, scope: Scope): boolean {
  if (!node.directives?.length) return false;
  scope.isConditional = true;
  const skip = getDirectiveValues(GraphQLSkipDirective, node, scope.variables);
  const include = getDirectiveValues(GraphQLIncludeDirective, node, scope.variables);
  return skip?.['if'] === true || include?.['if'] === false;
}
