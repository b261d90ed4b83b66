import { type GraphQLLeafType, GraphQLID, GraphQLString, isEnumType } from 'graphql';

/** Writes a leaf's value as JSON, as its type serializes it; throws where the type cannot. */
export type LeafText = (value: unknown) => string;

const NEEDS_ESCAPES = /["\\\u0000-\u001f\ud800-\udfff]/; // oxlint-disable-line no-control-regex -- JSON escapes them

/** A text in JSON; most hold nothing to escape. */
function toJsonText(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The writer for a type. What the type gives back unchanged, and the members of an enum, need not go through it. */
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
