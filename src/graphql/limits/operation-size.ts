import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { isPageSize, MAX_ITEMS } from './argument-sizes.ts';

/** The size of an operation, with each fragment counted wherever it is spread. */
export interface OperationSize {
  /** The deepest nesting of fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  /** The number of fields in the largest possible answer: a field within a page or batch counts once per item. */
  readonly cost: number;
}

/** A response name costs one field for each started hundred characters. */
const NAME_CHARACTERS = 100;
/** Caps page sizes written in a document, so that costs stay finite. Pages longer than MAX_ITEMS are refused later. */
const MAX_WRITTEN = 1_000_000;
const NOTHING: OperationSize = { depth: 0, aliases: 0, directives: 0, cost: 0 };

/** Measures the operations of a document, which may be invalid. Each fragment is measured once, however often it is spread. */
export function measureOperations(schema: GraphQLSchema, { definitions }: DocumentNode): readonly OperationSize[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const measured = new Map<string, OperationSize>();

  const measureFragment = (name: string): OperationSize => {
    const known = measured.get(name);
    if (known) return known;
    // A fragment that spreads itself counts as nothing; validation refuses the document later.
    measured.set(name, NOTHING);
    const fragment = fragments.get(name);
    if (!fragment) return NOTHING;
    const type = schema.getType(fragment.typeCondition.name.value);
    const size = withDirectives(fragment, measureSelections(fragment.selectionSet, type));
    measured.set(name, size);
    return size;
  };

  const measureField = (node: FieldNode, parent: GraphQLNamedType | undefined): OperationSize => {
    const field = findField(parent, node.name.value);
    const selected = node.selectionSet
      ? measureSelections(node.selectionSet, field && getNamedType(field.type))
      : NOTHING;
    return withDirectives(node, {
      depth: selected.depth + 1,
      aliases: selected.aliases + (node.alias ? 1 : 0),
      directives: selected.directives,
      cost:
        Math.ceil((node.alias ?? node.name).value.length / NAME_CHARACTERS) +
        selected.cost * (field ? countItems(field, node.arguments ?? []) : 1),
    });
  };

  const measureSelections = ({ selections }: SelectionSetNode, parent: GraphQLNamedType | undefined): OperationSize => {
    let total = NOTHING;
    for (const node of selections) {
      if (node.kind === Kind.FIELD) {
        total = add(total, measureField(node, parent));
      } else if (node.kind === Kind.FRAGMENT_SPREAD) {
        total = add(total, withDirectives(node, measureFragment(node.name.value)));
      } else {
        const type = node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent;
        total = add(total, withDirectives(node, measureSelections(node.selectionSet, type)));
      }
    }
    return total;
  };

  return definitions
    .filter((node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION)
    .map((node) => {
      const size = withDirectives(
        node,
        measureSelections(node.selectionSet, schema.getRootType(node.operation) ?? undefined),
      );
      return (node.variableDefinitions ?? []).reduce((sum, variable) => withDirectives(variable, sum), size);
    });
}

function add(a: OperationSize, b: OperationSize): OperationSize {
  return {
    depth: Math.max(a.depth, b.depth),
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives,
    cost: a.cost + b.cost,
  };
}

function withDirectives(
  node: { readonly directives?: readonly unknown[] | undefined },
  size: OperationSize,
): OperationSize {
  const count = node.directives?.length ?? 0;
  return count === 0 ? size : { ...size, directives: size.directives + count };
}

function findField(type: GraphQLNamedType | undefined, name: string): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

/** The number of items that a field may return, by its page size or by the list that it is given. */
function countItems({ args }: GraphQLField<unknown, unknown>, given: readonly ArgumentNode[]): number {
  return args.reduce(
    (items, arg) =>
      items *
      countByArgument(
        arg,
        given.find(({ name }) => name.value === arg.name),
      ),
    1,
  );
}

function countByArgument(arg: GraphQLArgument, given: ArgumentNode | undefined): number {
  const isList = isListType(getNullableType(arg.type));
  if (!isPageSize(arg) && !isList) return 1;
  const value = given?.value;
  if (value?.kind === Kind.VARIABLE) return MAX_ITEMS;
  if (value?.kind === Kind.LIST) return value.values.length;
  if (value?.kind === Kind.INT) return Math.min(Math.max(Number(value.value), 1), MAX_WRITTEN);
  return typeof arg.defaultValue === 'number' ? arg.defaultValue : 1;
}
