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
