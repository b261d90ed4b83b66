/** Values of a label that others choose, of which only so many become labels of their own. */
export interface BoundedLabels {
  /** The value itself when it is one of the first that were admitted, else `other`. */
  admit(value: string): string;
  /** The same, but a new value is not admitted. */
  find(value: string): string;
}

const OTHER = 'other';
const MAX_LENGTH = 100;

export function createBoundedLabels(max: number): BoundedLabels {
  const known = new Set<string>();
  const find = (value: string): string => (known.has(value) ? value : OTHER);
  return {
    find,
    admit(value) {
      if (known.size < max && value.length <= MAX_LENGTH) known.add(value);
      return find(value);
    },
  };
}
