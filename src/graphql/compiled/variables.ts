/** The variables of an operation: compiled, so that types are inspected once. */
import {
  type DocumentNode,
  getVariableValues,
  GraphQLError,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  OperationTypeNode,
  typeFromAST,
  TypeInfo,
  ValidationContext,
  valueFromAST,
  type VariableDefinitionNode,
  type VariableNode,
} from 'graphql';
import { OperationRefusal } from '../error-shapes.ts';
import { compileArgumentSizes } from '../limits/argument-sizes.ts';
import type { Values } from './values.ts';

export interface InputOptions {
  readonly schema: GraphQLSchema;
  /** True to leave "Did you mean" out of errors. */
  readonly isClosed: boolean;
  /** Called for each request with an argument that is too large. */
  readonly onOversize: () => void;
}

/** Coerces the variables of a request. @throws OperationRefusal, or GraphQLError, if the operation must not run with them. */
export type ReadVariables = (given: Values) => Record<string, unknown>;

/** The most errors about variables in one answer. Each quotes a value, which may be as long as the request. */
const MAX_VARIABLE_ERRORS = 5;

/**
 * Compiles the reading of variables. Arguments larger than their cost assumed, bad variables and nulls that a mutation would
 * report too late are refused before any of the operation runs.
 */
export function compileInput(
  { schema, isClosed, onOversize }: InputOptions,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): ReadVariables {
  const { variableDefinitions = [] } = operation;
  const coerce = compileVariables(schema, operation);
  const strict = findStrictVariables(schema, document, operation);
  const findOversize = compileArgumentSizes(schema, document, operation);
  /** Coerces by graphql-js, which describes what is wrong. */
  const coerceSlowly = (given: Values): Record<string, unknown> => {
    const limits = { maxErrors: MAX_VARIABLE_ERRORS, hideSuggestions: isClosed };
    const { errors, coerced } = getVariableValues(schema, variableDefinitions, given, limits);
    if (errors) throw new OperationRefusal(errors);
    return coerced;
  };
  return (given) => {
    const oversize = findOversize?.(given) ?? null;
    if (oversize !== null) {
      onOversize();
      throw new GraphQLError(oversize);
    }
    const values = coerce(given) ?? coerceSlowly(given);
    const forbidden = strict.find(({ name }) => given[name.value] === null);
    if (!forbidden) return values;
    const message = `variables.${forbidden.name.value}: expected a value, or none for its default, got null`;
    throw new GraphQLError(message, { nodes: forbidden });
  };
}

/**
 * Finds the variables of a mutation that have a default, and a place that allows no null. GraphQL itself reports a null for one
 * only when it comes to the field, and by then a write has been carried out.
 */
function findStrictVariables(
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

/** Coerces an input value; throws if the type does not accept it. */
type Coerce = (value: unknown) => unknown;
/** Has no message, since graphql-js then reports the variable. */
class BadVariable extends Error {}
const BAD = new BadVariable();

/** Compiles the coercion of an operation's variables by GraphQL's CoerceVariableValues; null if one is invalid. */
function compileVariables(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode) {
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
