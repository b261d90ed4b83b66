import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { proseProblems, type Texts } from './prose.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The rules themselves, and what a generator wrote. */
const EXEMPT = /^(?:test\/prose(?:\.test)?|src\/client\/generated\/documents)\.ts$/;
const texts: Texts = new Map(
  globSync(
    ['{src,test,docs,deploy}/**/*.{ts,md,yml,yaml,json,graphql,html,css}', '*.md', '*.ts', '*.yaml', '*.graphql'],
    {
      cwd: root,
      exclude: ['**/node_modules/**'],
    },
  )
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !EXEMPT.test(path))
    .map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]),
);

test('Every source, test and document keeps to the countable writing rules.', () => {
  expect([...texts.keys()]).toEqual(expect.arrayContaining(['README.md', 'src/cli.ts', 'docs/operations.md']));
  expect(proseProblems(texts)).toEqual([]);
});

test.each([
  ['src/wire/a.ts', '/** What a body holds. */', 'a doc comment starts with "What"'],
  ['src/wire/a.ts', '/**\n * Whether the caller is known.\n */', 'a doc comment starts with "Whether"'],
  ['test/wire/a.ts', '  /** Told about each failure. */', 'a doc comment starts with "Told"'],
  ['src/wire/a.ts', "const message = 'Whoever calls must wait.';", 'says "Whoever"'],
  ['docs/operations.md', 'A write that is owed to the database', 'says "owed"'],
  ['README.md', 'It is kept for good.', 'says "kept for good"'],
])('A breach of the writing rules is found: %s, %s', (path, text, problem) => {
  expect(proseProblems(new Map([[path, text]]))).toEqual([`${path}:1: ${problem}`]);
});

test.each([
  ['src/wire/a.ts', '/** Returns what a body holds. */'],
  ['src/wire/a.ts', 'const What = 1; // What is meant'],
  ['docs/operations.md', 'Whether to restart: what follows recommends it; showed, lower, power'],
])('A text within the writing rules passes: %s, %s', (path, text) => {
  expect(proseProblems(new Map([[path, text]]))).toEqual([]);
});
