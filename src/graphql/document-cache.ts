export interface DocumentCacheOptions {
  readonly maxEntries: number;
  /** Of all keys together. */
  readonly maxLength: number;
}

/** A parsed and planned document takes many times the memory of its text. */
export const DOCUMENT_BOUNDS: DocumentCacheOptions = { maxEntries: 1_000, maxLength: 200_000 };

/** Caches values by a document's text, bounded in number and in length. */
export interface DocumentCache<Value> {
  get(text: string): Value | undefined;
  /** False for a text that would take more than a tenth of the cache. It is not kept. */
  accepts(text: string): boolean;
  set(text: string, value: Value): void;
}

/**
 * A cache of two generations: when the young one is full it becomes the old one, and what is asked for moves to the young one.
 * So whatever is in use stays, however many other documents come, and a hit costs no more than a look-up.
 */
export function createDocumentCache<Value>({ maxEntries, maxLength }: DocumentCacheOptions): DocumentCache<Value> {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  let youngLength = 0;
  const add = (text: string, value: Value): void => {
    if (young.size >= maxEntries / 2 || youngLength + text.length > maxLength / 2) {
      old = young;
      young = new Map();
      youngLength = 0;
    }
    young.set(text, value);
    youngLength += text.length;
  };
  const accepts = (text: string): boolean => text.length <= maxLength / 10;
  return {
    accepts,
    get(text) {
      const known = young.get(text);
      if (known !== undefined) return known;
      const earlier = old.get(text);
      if (earlier !== undefined) add(text, earlier);
      return earlier;
    },
    set(text, value) {
      if (!accepts(text)) return;
      if (young.has(text)) young.set(text, value);
      else add(text, value);
    },
  };
}
