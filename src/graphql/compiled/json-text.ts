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

/** JSON, now or later. */
export type Text = string | Promise<string>;

/** The parts one after the other, as soon as all are there. */
export function joinParts(parts: readonly Text[], separator = ''): Text {
  if (areThere(parts)) return parts.join(separator);
  const at = parts.findIndex((part) => typeof part !== 'string');
  const before = parts.slice(0, at);
  const after = parts.slice(at + 1);
  const only = parts[at];
  // Most often one is waited for, which costs less than to wait for all.
  if (only instanceof Promise && areThere(before) && areThere(after)) {
    const head = before.length === 0 ? '' : before.join(separator) + separator;
    const tail = after.length === 0 ? '' : separator + after.join(separator);
    return only.then((text) => head + text + tail);
  }
  return Promise.all(parts.map(async (part) => part)).then((texts) => texts.join(separator));
}

function areThere(parts: readonly Text[]): parts is readonly string[] {
  return parts.every((part) => typeof part === 'string');
}

/** Fails with `error`, after the parts that nobody waits for any more. */
export function failAfter(parts: readonly Text[], error: unknown): Promise<string> {
  if (parts.length === 0) throw error;
  return Promise.allSettled(parts.map(async (part) => part)).then(() => {
    throw error;
  });
}
