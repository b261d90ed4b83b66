import { type GraphQLLeafType, GraphQLID, GraphQLString, isEnumType } from 'graphql';

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

/** A piece of JSON that is ready or still pending. */
export type Text = string | Promise<string>;

/** Joins the parts once all of them are ready. */
export function joinParts(parts: readonly Text[], separator = ''): Text {
  if (areReady(parts)) return concatenate(parts, separator);
  const at = parts.findIndex((part) => typeof part !== 'string');
  const before = parts.slice(0, at);
  const after = parts.slice(at + 1);
  const pending = parts[at];
  // Usually a single part is pending, and awaiting it alone is cheaper than Promise.all.
  if (pending instanceof Promise && areReady(before) && areReady(after)) {
    const head = before.length === 0 ? '' : concatenate(before, separator) + separator;
    const tail = after.length === 0 ? '' : separator + concatenate(after, separator);
    return pending.then((text) => head + text + tail);
  }
  return Promise.all(parts.map(async (part) => part)).then((texts) => concatenate(texts, separator));
}

/** Does what `join` does, but copies no text: the whole answer is copied once, when it is encoded. */
function concatenate(texts: readonly string[], separator: string): string {
  let whole = texts[0] ?? '';
  for (let index = 1; index < texts.length; index += 1) whole += separator + texts[index];
  return whole;
}

function areReady(parts: readonly Text[]): parts is readonly string[] {
  return parts.every((part) => typeof part === 'string');
}

/** Fails with `error` once the pending parts have settled. */
export function failAfter(parts: readonly Text[], error: unknown): Promise<string> {
  if (parts.length === 0) throw error;
  return Promise.allSettled(parts.map(async (part) => part)).then(() => {
    throw error;
  });
}
