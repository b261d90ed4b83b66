/** A round-robin queue: callers take turns, and the items of one caller keep their order. Each operation takes constant time. */
interface FairQueue<Item> {
  add(caller: string, item: Item): void;
  /** Removes an item before its turn; returns false if it is not in the queue. */
  remove(caller: string, item: Item): boolean;
  /** Removes and returns the next item; null if the queue is empty. */
  next(): Item | null;
  size(): number;
}

export function createFairQueue<Item>(): FairQueue<Item> {
  /** Callers in the order of their turns. */
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
          // Moves the caller to the end of the turns.
          if (callers.delete(caller)) callers.set(caller, items);
          return item;
        }
      }
      return null;
    },
    size: () => size,
  };
}
