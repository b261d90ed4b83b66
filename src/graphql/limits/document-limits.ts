import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Lexer,
  Source,
  TokenKind,
  parse,
  type ArgumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type SelectionNode,
  type ValueNode,
} from 'graphql';
import { DEFAULT_PAGE_SIZE } from '../../schema/account-task-connection.ts';
import type { DocumentLimit } from '../../telemetry/metrics.ts';
import { isPageSize, MAX_ITEMS } from './argument-sizes.ts';

/** The limits of a document. They depend on the document alone, not on its variables or its caller. */
export const DOCUMENT_LIMITS = {
  /** Bounds the memory of the document cache, whose keys are the texts. */
  characters: 100_000,
  /** Bounds the time of validation, which grows with the square of the tokens. */
  tokens: 3_000,
  /** Nested brackets of any kind, in values too: the parser is recursive. */
  nesting: 100,
  /** Nested fields; an introspection query has 15. */
  depth: 20,
  aliases: 100,
  directives: 50,
  /** Fields of the largest possible answer: see `OperationSize.cost`. */
  cost: 10_000,
} as const satisfies Record<DocumentLimit, number>;

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const BRACKETS = /[{[(]/g;
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

const PROBLEMS: Readonly<Record<DocumentLimit, string>> = {
  characters: 'has more than # characters; pass large values as variables',
  tokens: 'has more than # tokens; pass large values as variables',
  nesting: 'nests brackets deeper than # levels',
  depth: 'nests fields deeper than # levels',
  aliases: 'has more than # aliases',
  directives: 'has more than # directives',
  cost: 'may be answered with @ fields, and more than # are not accepted; ask for smaller pages or fewer fields',
};

export class DocumentLimitError extends GraphQLError {
  override readonly name = 'DocumentLimitError';
  readonly limit: DocumentLimit;

  constructor(limit: DocumentLimit, found: number) {
    const problem = PROBLEMS[limit].replace('#', String(DOCUMENT_LIMITS[limit])).replace('@', String(found));
    super(`The document ${problem}.`, { extensions: { code: 'BAD_USER_INPUT' } });
    this.limit = limit;
  }
}

/**
 * Parses a document that is within the limits: of its length and tokens before it is parsed, of its operations after.
 * @throws DocumentLimitError, or GraphQL's syntax error.
 */
export function parseWithinLimits(schema: GraphQLSchema, text: string): DocumentNode {
  if (text.length > DOCUMENT_LIMITS.characters) throw new DocumentLimitError('characters', text.length);
  const source = new Source(text);
  checkTokens(source);
  const document = parse(source);
  for (const size of measureOperations(schema, document))
    for (const limit of ['depth', 'aliases', 'directives', 'cost'] as const)
      if (size[limit] > DOCUMENT_LIMITS[limit]) throw new DocumentLimitError(limit, size[limit]);
  return document;
}

function checkTokens(source: Source): void {
  // A token has at least one character and a level one bracket, so most documents need no lexer.
  const { body } = source;
  if (body.length <= DOCUMENT_LIMITS.tokens && (body.match(BRACKETS)?.length ?? 0) <= DOCUMENT_LIMITS.nesting) return;
  const lexer = new Lexer(source);
  let nesting = 0;
  for (let count = 1; lexer.advance().kind !== TokenKind.EOF; count += 1) {
    const { kind } = lexer.token;
    if (OPENING.has(kind)) nesting += 1;
    else if (CLOSING.has(kind)) nesting -= 1;
    if (nesting > DOCUMENT_LIMITS.nesting) throw new DocumentLimitError('nesting', nesting);
    if (count > DOCUMENT_LIMITS.tokens) throw new DocumentLimitError('tokens', count);
  }
}

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
    const size = fragment ? measureSelected(fragment, schema.getType(fragment.typeCondition.name.value)) : NOTHING;
    measured.set(name, size);
    return size;
  };

  const measureField = (node: FieldNode, parent: GraphQLNamedType | undefined): OperationSize => {
    const field = findField(parent, node.name.value);
    const { depth, aliases, directives, cost } = measureSelected(node, field && getNamedType(field.type));
    const ownCost = Math.ceil((node.alias ?? node.name).value.length / NAME_CHARACTERS);
    const items = field ? countItems(field, node.arguments ?? []) : 1;
    return { depth: depth + 1, aliases: aliases + (node.alias ? 1 : 0), directives, cost: ownCost + cost * items };
  };

  const measureSelection = (node: SelectionNode, parent: GraphQLNamedType | undefined): OperationSize => {
    if (node.kind === Kind.FIELD) return measureField(node, parent);
    if (node.kind === Kind.INLINE_FRAGMENT)
      return measureSelected(node, node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent);
    const { directives, ...size } = measureFragment(node.name.value);
    return { ...size, directives: directives + countDirectives(node) };
  };

  /** Measures what is selected below a node, with the node's own directives. */
  const measureSelected = (node: SelectingNode, type: GraphQLNamedType | undefined): OperationSize => {
    const total = { ...NOTHING, directives: countDirectives(node) };
    for (const selection of node.selectionSet?.selections ?? []) {
      const { depth, aliases, directives, cost } = measureSelection(selection, type);
      total.depth = Math.max(total.depth, depth);
      total.aliases += aliases;
      total.directives += directives;
      total.cost += cost;
    }
    return total;
  };

  return definitions.flatMap((node) => {
    if (node.kind !== Kind.OPERATION_DEFINITION) return [];
    const { directives, ...size } = measureSelected(node, schema.getRootType(node.operation) ?? undefined);
    const ofVariables = (node.variableDefinitions ?? []).reduce((sum, variable) => sum + countDirectives(variable), 0);
    return [{ ...size, directives: directives + ofVariables }];
  });
}

type SelectingNode = Pick<FieldNode, 'selectionSet' | 'directives'>;

function countDirectives({ directives = [] }: Pick<FieldNode, 'directives'>): number {
  return directives.length;
}

function findField(type: GraphQLNamedType | undefined, name: string): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

/** The number of items that a field may return, by its page size or by the lists that it is given. */
function countItems({ args }: GraphQLField<unknown, unknown>, given: readonly ArgumentNode[]): number {
  const valueOf = (arg: GraphQLArgument) => given.find(({ name }) => name.value === arg.name)?.value;
  const sizes = args.filter(isPageSize);
  const pages = sizes.flatMap((arg) => toPageSize(valueOf(arg)) ?? []);
  const items = sizes.length === 0 ? 1 : Math.max(...(pages.length > 0 ? pages : [DEFAULT_PAGE_SIZE]));
  return args.reduce((product, arg) => product * countByList(arg, valueOf(arg)), items);
}

function toPageSize(value: ValueNode | undefined): number | null {
  if (value?.kind === Kind.VARIABLE) return MAX_ITEMS;
  return value?.kind === Kind.INT ? Math.min(Math.max(Number(value.value), 1), MAX_WRITTEN) : null;
}

function countByList(arg: GraphQLArgument, value: ValueNode | undefined): number {
  if (!isListType(getNullableType(arg.type))) return 1;
  if (value?.kind === Kind.VARIABLE) return MAX_ITEMS;
  return value?.kind === Kind.LIST ? value.values.length : 1;
}
