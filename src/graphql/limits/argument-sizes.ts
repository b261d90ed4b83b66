/** Refuses arguments (lists and page sizes) that are larger than the cost of their document assumed. */
import {
  type ArgumentNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  Kind,
  type OperationDefinitionNode,
  typeFromAST,
  TypeInfo,
  valueFromAST,
  visit,
  visitWithTypeInfo,
} from 'graphql';

type Values = Readonly<Record<string, unknown>>;

/** The longest list and the longest page. The cost of a document assumes this size for a variable. */
export const MAX_ITEMS = 100;
/** A router asks for all entities of its answer at once. The cost of a document still counts them as MAX_ITEMS. */
const MAX_REPRESENTATIONS = 1_000;
const REPRESENTATIONS = 'representations';
const PAGE_SIZES: ReadonlySet<string> = new Set(['first', 'last']);

/** Returns a message that names the argument that is too large with these variables; null if none is. */
export type FindOversize = (given: Values) => string | null;

interface SizedArgument {
  readonly definition: GraphQLArgument;
  readonly node: ArgumentNode;
}

/**
 * Compiles the check of an operation's sizes; null if it has no lists and pages. The check runs before coercion, which
 * changes no length but is slow for long lists.
 */
export function compileArgumentSizes(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): FindOversize | null {
  const sized = findSizedArguments(schema, document, operation);
  if (sized.length === 0) return null;
  const defaults = readDefaults(schema, operation);
  return (given) => {
    const variables = { ...defaults, ...given };
    let representations = 0;
    for (const { definition, node } of sized) {
      const { name, type } = definition;
      const value: unknown = valueFromAST(node.value, type, variables);
      if (name === REPRESENTATIONS) representations += Array.isArray(value) ? value.length : 0;
      else if (isPageSize(definition)) {
        if (typeof value === 'number' && value > MAX_ITEMS) return `${name}: expected 1 to ${MAX_ITEMS}, got ${value}`;
      } else {
        const items = longestList(value, type);
        if (items > MAX_ITEMS) return `${name}: expected at most ${MAX_ITEMS} items in a list, got ${items}`;
      }
    }
    if (representations <= MAX_REPRESENTATIONS) return null;
    return `${REPRESENTATIONS}: expected at most ${MAX_REPRESENTATIONS} in one operation, got ${representations}`;
  };
}

/** Returns true for the arguments that limit a page: `first` and `last`. */
export function isPageSize({ name }: GraphQLArgument): boolean {
  return PAGE_SIZES.has(name);
}

function readDefaults(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode): Values {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, type, defaultValue }) => {
      const inputType = typeFromAST(schema, type);
      return defaultValue && isInputType(inputType)
        ? [[variable.name.value, valueFromAST(defaultValue, inputType)]]
        : [];
    }),
  );
}

/** The arguments of an operation and its fragments that are page sizes or hold lists. */
function findSizedArguments(
  schema: GraphQLSchema,
  { definitions }: DocumentNode,
  operation: OperationDefinitionNode,
): readonly SizedArgument[] {
  const found: SizedArgument[] = [];
  const typeInfo = new TypeInfo(schema);
  const visited = new Set<OperationDefinitionNode | FragmentDefinitionNode>([operation]);
  // The set grows during the iteration: a visited definition adds the fragments that it spreads.
  for (const definition of visited) {
    visit(
      definition,
      visitWithTypeInfo(typeInfo, {
        Argument(node) {
          const argument = typeInfo.getArgument();
          if (argument && (isPageSize(argument) || holdsList(argument.type)))
            found.push({ definition: argument, node });
          return false;
        },
        FragmentSpread({ name }) {
          for (const node of definitions)
            if (node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === name.value) visited.add(node);
        },
      }),
    );
  }
  return found;
}

function holdsList(type: GraphQLInputType, within: ReadonlySet<GraphQLInputType> = new Set()): boolean {
  const inner = getNullableType(type);
  if (isListType(inner)) return true;
  if (!isInputObjectType(inner) || within.has(inner)) return false;
  return Object.values(inner.getFields()).some((field) => holdsList(field.type, new Set([...within, inner])));
}

/** The length of the longest list in a value, which has not been validated against the type. */
function longestList(value: unknown, type: GraphQLInputType): number {
  const inner = getNullableType(type);
  if (typeof value !== 'object' || value === null || !holdsList(inner)) return 0;
  if (isListType(inner)) {
    if (!Array.isArray(value)) return longestList(value, inner.ofType);
    if (value.length > MAX_ITEMS) return value.length;
    return Math.max(value.length, ...value.map((item) => longestList(item, inner.ofType)));
  }
  if (!isInputObjectType(inner)) return 0;
  const members = value as Values;
  const lengths = Object.values(inner.getFields()).map((field) => longestList(members[field.name], field.type));
  return Math.max(0, ...lengths);
}
