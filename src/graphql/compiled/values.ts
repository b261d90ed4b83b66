/** Values on their way in, variables and arguments, and on their way out, JSON: compiled, so that types are inspected once. */
import {
  GraphQLID,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  GraphQLString,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  valueFromAST,
  type VariableDefinitionNode,
  type FieldNode,
  getArgumentValues,
  type GraphQLField,
  Kind,
} from 'graphql';

type Values = Readonly<Record<string, unknown>>;
/** Coerces an input value; throws if the type does not accept it. */
type Coerce = (value: unknown) => unknown;
/** Has no message, since Yoga runs the operation again and reports the variable. */
class BadVariable extends Error {}
const BAD = new BadVariable();

/** Coerces an operation's variables by GraphQL's CoerceVariableValues; null if one is invalid. */
export type CoerceVariables = (given: Values) => Record<string, unknown> | null;

/** Compiles the coercion of an operation's variables. */
export function compileVariables(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode) {
  const definitions = variableDefinitions.map((definition) => compileVariable(schema, definition));
  return (given: Values): Record<string, unknown> | null => {
    const values: Record<string, unknown> = {};
    try {
      for (const set of definitions) set(given, values);
    } catch {
      return null;
    }
    return values;
  };
}

function compileVariable(schema: GraphQLSchema, definition: VariableDefinitionNode) {
  const name = definition.variable.name.value;
  const type = typeFromAST(schema, definition.type);
  if (!isInputType(type)) throw new Error(`$${name} is not of an input type, although the document was validated.`);
  const { defaultValue } = definition;
  const coerce = compileType(type);
  return (given: Values, values: Record<string, unknown>): void => {
    if (Object.hasOwn(given, name)) values[name] = coerce(given[name]);
    // Created anew for every request, as in graphql-js.
    else if (defaultValue) values[name] = valueFromAST(defaultValue, type);
    else if (isNonNullType(type)) throw BAD;
  };
}

function compileType(type: GraphQLInputType): Coerce {
  if (isNonNullType(type)) {
    const coerce = compileNullable(type.ofType);
    return (value) => {
      if (value === null || value === undefined) throw BAD;
      return coerce(value);
    };
  }
  const coerce = compileNullable(type);
  return (value) => (value === null || value === undefined ? null : coerce(value));
}

/** Compiles the coercion of a value that is neither absent nor null. */
function compileNullable(type: GraphQLInputType): Coerce {
  if (isListType(type)) {
    const item = compileType(type.ofType);
    return (value) => (Array.isArray(value) ? value.map(item) : [item(value)]);
  }
  if (isInputObjectType(type)) return compileObject(type);
  return (value) => {
    const parsed: unknown = type.parseValue(value);
    return parsed === undefined ? refuse() : parsed;
  };
}

function refuse(): never {
  throw BAD;
}

function compileObject(type: GraphQLInputObjectType): Coerce {
  // OneOf input objects have other rules, and the schema has none.
  if (type.isOneOf) return refuse;
  let fields: readonly (readonly [GraphQLInputField, Coerce])[] | null = null;
  return (value) => {
    // Compiled on first use, since a type may contain itself.
    fields ??= Object.values(type.getFields()).map((field) => [field, compileType(field.type)]);
    if (typeof value !== 'object') throw BAD;
    const given = value as Values;
    const values: Record<string, unknown> = {};
    let missing = 0;
    for (const [{ name, defaultValue, type: fieldType }, coerce] of fields) {
      const member = given[name];
      if (member !== undefined) values[name] = coerce(member);
      else {
        missing += 1;
        if (defaultValue !== undefined) values[name] = defaultValue;
        else if (isNonNullType(fieldType)) throw BAD;
      }
    }
    if (Object.keys(given).length !== fields.length - missing) throw BAD; // a field that the type does not have
    return values;
  };
}

/** Returns a field's argument values, given the operation's variables. @throws GraphQLError if one is invalid. */
export type ArgumentValues = (variables: Values) => Values;

const NONE: Values = Object.freeze({});

/** Compiles the reading of a field's arguments. Arguments that are only variables skip graphql-js. */
export function compileArguments(definition: GraphQLField<unknown, unknown>, node: FieldNode): ArgumentValues {
  const read: ArgumentValues = (variables) => getArgumentValues(definition, node, variables);
  if (definition.args.length === 0) return () => NONE;
  const given: { readonly name: string; readonly variable: string; readonly isNonNull: boolean }[] = [];
  for (const { name, type, defaultValue } of definition.args) {
    const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
    const isNonNull = isNonNullType(type);
    if (value?.kind === Kind.VARIABLE) given.push({ name, variable: value.name.value, isNonNull });
    else if (value || isNonNull || defaultValue !== undefined) return read;
  }
  return (variables) => {
    const values: Record<string, unknown> = {};
    for (const { name, variable, isNonNull } of given) {
      const value = variables[variable];
      if (value === undefined || (value === null && isNonNull)) return read(variables);
      values[name] = value;
    }
    return values;
  };
}

/** Writes a leaf's value as JSON, as its type serializes it; throws where the type cannot. */
export type LeafText = (value: unknown) => string;

const NEEDS_ESCAPES = /["\\\u0000-\u001f\ud800-\udfff]/; // oxlint-disable-line no-control-regex -- JSON escapes them

/** Encodes a string as JSON. Most strings need no escapes. */
function toJsonText(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Creates the writer of a leaf type. Strings, IDs and enum members skip `serialize`, which would return them unchanged. */
export function leafText(type: GraphQLLeafType): LeafText {
  const serialized: LeafText = (value) => {
    const leaf: unknown = type.serialize(value);
    if (leaf === null || leaf === undefined) throw new Error(`Expected a value of ${type.name}.`);
    return typeof leaf === 'string' ? toJsonText(leaf) : JSON.stringify(leaf);
  };
  if (type === GraphQLString || type === GraphQLID)
    return (value) => (typeof value === 'string' ? toJsonText(value) : serialized(value));
  if (!isEnumType(type)) return serialized;
  const names = new Map<unknown, string>(type.getValues().map(({ value, name }) => [value, `"${name}"`]));
  return (value) => names.get(value) ?? serialized(value);
}

/** JSON that is ready or still pending. */
export type Text = string | Promise<string>;

/** The JSON of an object or list, written piece by piece. The text is copied once, when the whole answer is encoded. */
export class JsonPieces {
  #text: string;
  /** The pieces before `#text`: a text and a pending piece in turn. */
  #earlier: Text[] | null = null;

  constructor(opening: string) {
    this.#text = opening;
  }

  add(piece: Text): void {
    if (typeof piece === 'string') {
      this.#text += piece;
      return;
    }
    (this.#earlier ??= []).push(this.#text, piece);
    this.#text = '';
  }

  end(closing: string): Text {
    const last = this.#text + closing;
    if (this.#earlier === null) return last;
    const [first, pending, ...others] = this.#earlier;
    // Usually a single piece is pending, and awaiting it alone is cheaper than Promise.all.
    if (others.length === 0 && typeof first === 'string' && pending instanceof Promise)
      return pending.then((text) => first + text + last);
    return Promise.all(toPromises(this.#earlier)).then((texts) => texts.reduce((all, text) => all + text) + last);
  }

  /** Fails once the pending pieces have settled. */
  fail(reason: unknown): Promise<string> {
    if (this.#earlier === null) throw reason;
    return Promise.allSettled(toPromises(this.#earlier)).then(() => {
      throw reason;
    });
  }
}

function toPromises(pieces: readonly Text[]): readonly Promise<string>[] {
  return pieces.map(async (piece) => piece);
}
