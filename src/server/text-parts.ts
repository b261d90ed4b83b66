/** JSON, now or later. */
export type Text = string | Promise<string>;

/** The parts one after the other, as soon as all are there. */
export function joinParts(parts: readonly Text[], separator = ''): Text {
  const unsettled = parts.filter((part) => typeof part !== 'string');
  if (unsettled.length === 0) return parts.join(separator);
  const [only] = unsettled;
  if (only && unsettled.length === 1)
    return only.then((text) => parts.map((part) => (part === only ? text : part)).join(separator));
  return Promise.all(parts.map(async (part) => part)).then((texts) => texts.join(separator));
}

/** Fails with `error`, after the parts that nobody waits for any more. */
export function failAfter(parts: readonly Text[], error: unknown): Promise<string> {
  if (parts.length === 0) throw error;
  return Promise.allSettled(parts.map(async (part) => part)).then(() => {
    throw error;
  });
}
