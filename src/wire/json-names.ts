/**
 * The names of a JSON object's members in the order of their last mention, which `JSON.parse` does not keep: it gives a
 * repeated member the place of its first. `text` is JSON, an object.
 */
export function namesByLastMention(text: string): readonly string[] {
  const names = new Set<string>();
  let depth = 0;
  let isNameNext = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '"') {
      const start = at;
      at = endOfString(text, start);
      if (depth === 1 && isNameNext) {
        const name = JSON.parse(text.slice(start, at + 1)) as string;
        names.delete(name);
        names.add(name);
      }
    } else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (/[{,:]/.test(character)) isNameNext = character !== ':';
  }
  return [...names];
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
