import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The documents whose links, paths and commands are tested, by their path from the project's root. */
export const PAGES: readonly string[] = globSync(
  ['*.md', 'docs/*.md', '.github/*.md', 'test/bench/README.md', 'test/e2e/web/README.md', 'test/support/README.md'],
  { cwd: ROOT },
).toSorted();

export function readMarkdown(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** The comment directly above the block, which says how the block is tested; null without one. */
  readonly mark: string | null;
}

export function blocksOf(path: string): readonly Block[] {
  const fence = /(?:^<!-- (.+) -->\n)?^```(\w*)\n([^]*?)^```$/gm;
  return [...readMarkdown(path).matchAll(fence)].map(([, mark = null, language = '', text = '']) => ({
    language,
    text,
    mark,
  }));
}

/** The commands below a mark of a page. */
export function commandsBelow(path: string, mark: string): string {
  const block = blocksOf(path).find((candidate) => candidate.mark === mark);
  if (!block) throw new Error(`${path} has no commands for ${mark}.`);
  return block.text;
}

/** The names that links give to the headings of a page. */
export function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** The first group of each match. */
export function named(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}
