/** Texts by their path from the project's root. */
export type Texts = ReadonlyMap<string, string>;

/** Words and phrases that readers stumble over; CONTRIBUTING.md says what to write instead. */
const BANNED =
  /\b(?:whoever|dear|mend(?:s|ed|ing)?|spelt|of late|unwell|strangers?|ow(?:e|es|ed|ing)|is none|sees? to it|told of|kept for good|is somebody's)\b/i;
const DOC_COMMENT = /\/\*\*[\s*]*(\w+)/g;
const POOR_STARTS: ReadonlySet<string> = new Set(['What', 'Who', 'Whether', 'Whose', 'Those', 'Told']);

/** Finds each breach of the countable writing rules, as `path:line: what is wrong`. */
export function proseProblems(texts: Texts): readonly string[] {
  return [...texts].flatMap(([path, text]) => [
    ...text.split('\n').flatMap((line, index) => {
      const [banned] = BANNED.exec(line) ?? [];
      return banned === undefined ? [] : [`${path}:${index + 1}: says "${banned}"`];
    }),
    ...(path.endsWith('.ts') ? docComments(path, text) : []),
  ]);
}

function docComments(path: string, text: string): readonly string[] {
  return [...text.matchAll(DOC_COMMENT)].flatMap(({ 1: word = '', index }) =>
    POOR_STARTS.has(word)
      ? [`${path}:${text.slice(0, index).split('\n').length}: a doc comment starts with "${word}"`]
      : [],
  );
}
