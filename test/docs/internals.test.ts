import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { named, readMarkdown, ROOT } from './markdown.ts';

const [, section = ''] = readMarkdown('docs/architecture.md').split("## What leans on another library's internals\n");
const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| (`.+) \|$/gm)].map(([, row = '']) => {
  const [places = '', uses = '', , tests = ''] = row.split(' | ');
  return { places, uses, tests };
});
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const quoted = (cell: string): readonly string[] => named(cell, /`([^`]+)`/g);

describe("the list of what leans on another library's internals", () => {
  test('is read by this test', () => {
    expect(rows.length).toBeGreaterThan(10);
  });

  test.each(rows)('names code that exists in $places, and a test that exists', ({ places, uses, tests }) => {
    const text = quoted(places).map(read).join('\n');
    expect(quoted(uses).filter((code) => !text.includes(code))).toEqual([]);
    expect(quoted(tests).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(quoted(tests)).not.toEqual([]);
  });

  test('has every import of a file inside a package, and every flag of V8', () => {
    const files = globSync('src/**/*.ts', { cwd: ROOT });
    const inside = /from '((?:@[^/']+\/)?[^/'.@]+\/[^']+\.\w+)'|setFlagsFromString\('--([\w-]+)'/g;
    const found = files.flatMap((path) =>
      [...read(path).matchAll(inside)].map(([, file, flag]) => ({ path, what: file ?? flag ?? '' })),
    );
    const isListed = ({ path, what }: { readonly path: string; readonly what: string }): boolean =>
      rows.some(({ places, uses }) => quoted(places).includes(path) && uses.includes(what));
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((place) => !isListed(place))).toEqual([]);
  });
});
