interface CacheBounds {
  readonly maxEntries: number;
  /** The limit for all keys together. A key of more than a tenth of it is not stored. */
  readonly maxLength: number;
}

/** Caches values by texts, bounded in number and in length. */
interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
}

/**
 * The one bounded cache of this program: `createBoundedCache<Plan>({ maxEntries: 1_000, maxLength: 200_000 })`. It has two
 * generations: a full young one becomes the old one, and what is asked for moves to the young one. So whatever is in use stays,
 * however many other keys come, and a hit costs no more than a look-up.
 */
export function createBoundedCache<Value>({ maxEntries, maxLength }: CacheBounds): BoundedCache<Value> {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  let youngLength = 0;
  const add = (key: string, value: Value): void => {
    if (young.size >= maxEntries / 2 || youngLength + key.length > maxLength / 2) {
      old = young;
      young = new Map();
      youngLength = 0;
    }
    young.set(key, value);
    youngLength += key.length;
  };
  return {
    get(key) {
      const known = young.get(key);
      if (known !== undefined) return known;
      const earlier = old.get(key);
      if (earlier !== undefined) add(key, earlier);
      return earlier;
    },
    set(key, value) {
      if (key.length > maxLength / 10) return;
      if (young.has(key)) young.set(key, value);
      else add(key, value);
    },
  };
}
