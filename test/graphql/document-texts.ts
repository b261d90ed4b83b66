import * as fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isAbstractType,
  isInterfaceType,
  type GraphQLSchema,
  validate,
} from 'graphql';
import { parseWithinLimits } from '../../src/graphql/limits/document-limits.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';

/** Sample values of a scalar: accepted ones, and invalid ones of every kind. */
interface Leaves {
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

export type LeavesByType = Readonly<Record<string, Leaves>>;

const LEAVES: LeavesByType = {
  ID: { good: [SAMPLE_INPUT.taskId, `{${SAMPLE_INPUT.taskId}}`], bad: ['x', '', 1, '__proto__'] },
  DateTime: { good: [SAMPLE_INPUT.startDate], bad: ['2026-02-30T00:00:00Z', '', 0] },
  String: {
    good: [SAMPLE_INPUT.parameters],
    bad: ['<a/>', '', 'QWNjb3VudFRhc2s6', '\u0000', '\ud800', '"\u2028"'],
  },
  Int: { good: [0, 1, 20, 100], bad: [101, -1, 2 ** 31, 1.5] },
  Boolean: { good: [true, false], bad: ['true'] },
};
const ODD: readonly unknown[] = [
  null,
  [],
  {},
  '',
  0,
  1e300,
  true,
  'x'.repeat(300),
  { __proto__: null, constructor: 1 },
  [[[]]],
];

export interface DocumentRequest {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

export interface DocumentTexts {
  /** Replaces the default sample values of some scalars. */
  readonly leaves?: LeavesByType;
  /** The number of documents in ten that are generated without a flaw. */
  readonly rightInTen?: number;
}

interface Generation {
  readonly leaves: LeavesByType;
  /** The percentage of values and parts of a document that are wrong. */
  readonly oddPercent: number;
  readonly hasDirectives: boolean;
}

interface Piece {
  readonly text: string;
  /** By name: the type as written, with any default, and the value; absent if the request does not send it. */
  readonly variables: Readonly<Record<string, { readonly type: string; readonly value?: unknown }>>;
  readonly fragments: Readonly<Record<string, string>>;
}

const NOTHING: Piece = { text: '', variables: {}, fragments: {} };
const textOnly = (text: string): Piece => ({ ...NOTHING, text });
const join = (pieces: readonly Piece[]): Piece => ({
  text: pieces.map(({ text }) => text).join(' '),
  variables: Object.assign({}, ...pieces.map(({ variables }) => variables)) as Piece['variables'],
  fragments: Object.assign({}, ...pieces.map(({ fragments }) => fragments)) as Piece['fragments'],
});

/** A value as a literal of a document; enum members are not quoted. */
function toLiteral(value: unknown, type: GraphQLInputType): string {
  const named = isNonNullType(type) ? type.ofType : type;
  if (Array.isArray(value))
    return `[${value.map((item) => toLiteral(item, isListType(named) ? named.ofType : named)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = isInputObjectType(named) ? named.getFields() : {};
    const members = Object.entries(value).map(
      ([name, member]) => `${name}: ${toLiteral(member, fields[name]?.type ?? named)}`,
    );
    return `{ ${members.join(', ')} }`;
  }
  return isEnumType(named) && typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
}

/** An alias, since two fields of one response name must have the same arguments. */
function aliasOf({ name, args }: GraphQLField<unknown, unknown>): fc.Arbitrary<string> {
  if (args.length > 0) return fc.nat({ max: 999 }).map((salt) => `${name}${salt}: `);
  return fc.constantFrom('', '', `${name}_: `);
}

const DIRECTIVES: readonly Piece[] = [
  ...['@include(if: true)', '@skip(if: true)', '@skip(if: false)'].map(textOnly),
  { ...NOTHING, text: '@include(if: $on)', variables: { on: { type: 'Boolean!', value: true } } },
  { ...NOTHING, text: '@skip(if: $off)', variables: { off: { type: 'Boolean = true' } } },
];
const BAD_DIRECTIVES = ['@include(if: $nope)', '@nope', '@skip'].map(textOnly);

/** Generates requests for every field of a schema, valid and invalid ones. */
export function documentTexts(
  schema: GraphQLSchema,
  { leaves: given = {}, rightInTen = 3 }: DocumentTexts = {},
): fc.Arbitrary<DocumentRequest> {
  const leaves = { ...LEAVES, ...given };
  return fc.oneof(
    { weight: rightInTen, arbitrary: makeDocuments(schema, { leaves, oddPercent: 0, hasDirectives: false }) },
    { weight: 10 - rightInTen, arbitrary: makeDocuments(schema, { leaves, oddPercent: 5, hasDirectives: true }) },
  );
}

/** Generates only requests that a gateway accepts. */
export function runnableDocuments(schema: GraphQLSchema): fc.Arbitrary<DocumentRequest> {
  return makeDocuments(schema, { leaves: LEAVES, oddPercent: 0, hasDirectives: false }).filter(({ query }) => {
    try {
      return validate(schema, parseWithinLimits(schema, query)).length === 0;
    } catch {
      return false;
    }
  });
}

function makeDocuments(schema: GraphQLSchema, making: Generation): fc.Arbitrary<DocumentRequest> {
  const { leaves, oddPercent, hasDirectives } = making;
  const rarely = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
    fc.oneof({ weight: 100 - oddPercent, arbitrary: usual }, { weight: oddPercent, arbitrary: odd });

  function valueOf(type: GraphQLInputType): fc.Arbitrary<unknown> {
    if (isNonNullType(type)) return valueOf(type.ofType);
    if (isListType(type)) return rarely(fc.array(valueOf(type.ofType), { maxLength: 3 }), fc.constantFrom(...ODD));
    if (isEnumType(type))
      return rarely(fc.constantFrom<unknown>(...type.getValues().map(({ name }) => name)), fc.constantFrom(...ODD));
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      const members = Object.fromEntries(fields.map((field) => [field.name, valueOf(field.type)]));
      const required = fields.flatMap((field) => (isNonNullType(field.type) ? [field.name] : []));
      return rarely(
        fc.record(members, { requiredKeys: required }),
        fc.record({ ...members, nope: fc.constant(1) }, { requiredKeys: [] }),
      );
    }
    const known = leaves[type.name];
    if (!known) return rarely(representation(), fc.constantFrom(...ODD));
    return rarely(
      fc.constantFrom(...known.good),
      fc.oneof(fc.constantFrom(...known.bad), fc.constantFrom(...ODD), fc.anything({ maxDepth: 2 })),
    );
  }

  function representation(): fc.Arbitrary<unknown> {
    const { good, bad } = leaves['ID'] as Leaves;
    return fc.record({
      __typename: fc.constantFrom('AccountTask', 'AccountTask', 'Task', 'Nope'),
      id: fc.constantFrom(...good, ...bad),
    });
  }

  function argumentOf({ name: argument, type }: GraphQLArgument): fc.Arbitrary<Piece> {
    const given = fc
      .tuple(valueOf(type), valueOf(type), fc.nat({ max: 3 }), fc.constantFrom('given', 'given', 'default', 'both'))
      .map(([value, fallback, salt, how]): Piece => {
        const name = `${argument}${salt}${how}`;
        const nullable = isNonNullType(type) ? type.ofType : type;
        const typeText = how === 'given' ? String(type) : `${String(nullable)} = ${toLiteral(fallback, type)}`;
        const variable = how === 'default' ? { type: typeText } : { type: typeText, value };
        return { ...NOTHING, text: `${argument}: $${name}`, variables: { [name]: variable } };
      });
    const literal = valueOf(type).map((value) => textOnly(`${argument}: ${toLiteral(value, type)}`));
    const either = fc.oneof({ weight: 3, arbitrary: given }, { weight: 1, arbitrary: literal });
    return isNonNullType(type) ? rarely(either, fc.constant(NOTHING)) : fc.oneof(either, fc.constant(NOTHING));
  }

  function fieldOf(field: GraphQLField<unknown, unknown>, depth: number): fc.Arbitrary<Piece> {
    const inner = getNamedType(field.type);
    const conditional = rarely(fc.constantFrom(...DIRECTIVES), fc.constantFrom(...BAD_DIRECTIVES));
    const hasSelection = isObjectType(inner) || isAbstractType(inner);
    return fc
      .tuple(
        rarely(aliasOf(field), fc.constantFrom('a: ', '')),
        fc.tuple(...field.args.map(argumentOf)).map(join),
        hasDirectives ? fc.oneof({ weight: 8, arbitrary: fc.constant(NOTHING) }, conditional) : fc.constant(NOTHING),
        hasSelection ? selectionOf(inner, depth - 1) : fc.constant(NOTHING),
      )
      .map(([alias, given, directive, selected]) => ({
        ...join([given, directive, selected]),
        text: `${alias}${field.name}${given.text.trim() ? `(${given.text})` : ''} ${directive.text} ${selected.text}`,
      }));
  }

  function fragmentsOn(type: GraphQLNamedType, depth: number): fc.Arbitrary<Piece>[] {
    const members = isAbstractType(type)
      ? schema.getPossibleTypes(type)
      : isObjectType(type)
        ? [type, ...type.getInterfaces()]
        : [type];
    return members.flatMap((member) => {
      const selected = selectionOf(member, depth - 1);
      const inline = selected.map((piece) => ({ ...piece, text: `... on ${member.name} ${piece.text}` }));
      const named = fc.tuple(selected, fc.nat({ max: 99 })).map(([piece, salt]) => {
        const name = `F${member.name}${salt}`;
        const fragments = { ...piece.fragments, [name]: `fragment ${name} on ${member.name} ${piece.text}` };
        return { ...piece, text: `...${name}`, fragments };
      });
      return [inline, named];
    });
  }

  // Shared by all places that select a type: the number of generators would grow exponentially with the depth.
  const selections = new Map<string, fc.Arbitrary<Piece>>();
  function selectionOf(type: GraphQLNamedType, depth: number): fc.Arbitrary<Piece> {
    const place = `${type.name} ${depth}`;
    const selection = selections.get(place) ?? makeSelection(type, depth);
    selections.set(place, selection);
    return selection;
  }

  function makeSelection(type: GraphQLNamedType, depth: number): fc.Arbitrary<Piece> {
    if (depth <= 0) return fc.constant(textOnly('{ __typename }'));
    const fields =
      isObjectType(type) || isInterfaceType(type)
        ? Object.values(type.getFields()).map((field) => fieldOf(field, depth))
        : [];
    const typename = fc.constant(textOnly('__typename'));
    const odd = fc
      .constantFrom('nope', '...Nope', '... { __typename }', '__schema { types { name } }', '')
      .map(textOnly);
    const usual = fc.oneof(
      ...(fields.length > 0 ? [{ weight: 8, arbitrary: fc.oneof(...fields) }] : []),
      { weight: isAbstractType(type) ? 8 : 2, arbitrary: fc.oneof(...fragmentsOn(type, depth)) },
      { weight: 1, arbitrary: typename },
    );
    return fc.array(rarely(usual, odd), { minLength: 1, maxLength: 4 }).map((pieces) => {
      const all = join(pieces);
      return { ...all, text: `{ ${all.text} }` };
    });
  }

  const roots = [schema.getQueryType(), schema.getMutationType()].filter((type) => type != null);
  return fc.oneof(
    ...roots.map((root) =>
      selectionOf(root, 5).map(({ text, variables, fragments }) => {
        const definitions = Object.entries(variables).map(([name, { type }]) => `$${name}: ${type}`);
        const operation = root === schema.getMutationType() ? 'mutation' : 'query';
        const given = Object.entries(variables).flatMap(([name, variable]) =>
          'value' in variable ? [[name, variable.value] as const] : [],
        );
        return {
          query: [
            `${operation} O${definitions.length > 0 ? `(${definitions.join(', ')})` : ''} ${text}`,
            ...Object.values(fragments),
          ].join(' '),
          variables: Object.fromEntries(given),
        };
      }),
    ),
  );
}
