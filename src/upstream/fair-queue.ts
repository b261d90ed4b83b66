/** A queue in which callers take turns; the items of one caller keep their order. Each operation takes constant time. */
export interface FairQueue<Item> {
  add(caller: string, item: Item): void;
  /** Takes out an item that is to wait no longer; false if it does not wait. */
  remove(caller: string, item: Item): boolean;
  /** Takes out the first item of the caller whose turn it is; null if nothing waits. */
  next(): Item | null;
  size(): number;
}

export function createFairQueue<Item>(): FairQueue<Item> {
  /** In the order of their turns. */
  const callers = new Map<string, Set<Item>>();
  let size = 0;
  const remove = (caller: string, item: Item): boolean => {
    const items = callers.get(caller);
    if (!items?.delete(item)) return false;
    size -= 1;
    if (items.size === 0) callers.delete(caller);
    return true;
  };
  return {
    add(caller, item) {
      const items = callers.get(caller);
      if (items) items.add(item);
      else callers.set(caller, new Set([item]));
      size += 1;
    },
    remove,
    next() {
      for (const [caller, items] of callers) {
        for (const item of items) {
          remove(caller, item);
          // The next turn of this caller comes after those of all others.
          if (callers.delete(caller)) callers.set(caller, items);
          return item;
        }
      }
      return null;
    },
    size: () => size,
  };
}
