import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseGraphql, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { parse as parseYaml } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { USAGE } from '../../src/commands/arguments.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { anchorsOf, blocksOf, named, PAGES, readMarkdown, ROOT } from './markdown.ts';

const schema = createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS });
const source = globSync('src/**/*.ts', { cwd: ROOT })
  .map((path) => readFileSync(join(ROOT, path), 'utf8'))
  .join('\n');
const { services } = parseYaml(readFileSync(join(ROOT, 'compose.yaml'), 'utf8')) as { readonly services: object };

/** Throws for a block that is not of its language. */
const CHECKS: Readonly<Record<string, (text: string) => unknown>> = {
  // A word in <> stands for what the reader has.
  sh: (text) => execFileSync('sh', ['-n', '-c', text.replaceAll(/<\w+>/g, 'word')]),
  json: (text) => JSON.parse(text) as unknown,
  yaml: (text) => parseYaml(text, { strict: true }) as unknown,
  ts: (text) => parseAst(text, { lang: 'ts', astType: 'ts' }),
  graphql(text) {
    const [error] = validate(schema, parseGraphql(text));
    if (error) throw error;
  },
};

function isPackaged(file: string): boolean {
  return file === 'README.md' || packageJson.files.some((entry) => file === entry || file.startsWith(`${entry}/`));
}

describe.each(PAGES)('%s', (path) => {
  const text = readMarkdown(path);
  const blocks = blocksOf(path);

  test('links only to files and headings that exist', () => {
    const missing = named(text, /\]\(([^)\s]+)\)/g)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? join(ROOT, path) : join(ROOT, path, '..', file);
        return (
          !existsSync(target) || (anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor))
        );
      });
    expect(missing).toEqual([]);
  });

  test('links only to files of the package if it is in the package', () => {
    if (!isPackaged(path)) return;
    const targets = named(text, /\]\(([^)\s#:]+)[)#]/g).map((link) => join(path, '..', link));
    expect(targets.filter((target) => !isPackaged(target))).toEqual([]);
  });

  test('names only files and folders that exist', () => {
    // What a changelog names may be gone since; the page of the front end names files of its own folder.
    if (path === 'CHANGELOG.md' || path.startsWith('test/e2e/web/')) return;
    const paths = named(text, /(?<![\w./-])((?:src|test|docs|deploy)\/[\w./-]*\w)/g);
    expect(paths.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  test('names only scripts, commands and services that exist', () => {
    const scripts = new Set(Object.keys(packageJson.scripts));
    expect(named(text, /npm run ([\w:]+)/g).filter((script) => !scripts.has(script))).toEqual([]);
    const commands = named(text, /npm run cli -- ((?:[a-z]+ )*[a-z]+)/g);
    expect(commands.filter((command) => !USAGE.includes(command))).toEqual([]);
    const inCompose = named(text, /docker compose (?:exec (?:-T )?|stop )([a-z]+(?:-\d)?(?: [a-z]+-\d)*)/g);
    expect(inCompose.flatMap((names) => names.split(' ')).filter((name) => !Object.hasOwn(services, name))).toEqual([]);
  });

  test('names only metrics and functions that exist', () => {
    // What a changelog names may be gone since.
    const metrics = path === 'CHANGELOG.md' ? [] : named(text, /\b(gateway_\w+)/g);
    expect(metrics.filter((name) => !new RegExp(`\\b${name}\\b`).test(source))).toEqual([]);
    const functions = [...text.matchAll(/`(src\/[\w./-]+)` \(`(\w+)`/g)];
    const missing = functions.filter(
      ([, file = '', name = '']) => !new RegExp(`\\b${name}\\b`).test(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(missing.map(([found]) => found)).toEqual([]);
  });

  test('says of every block of commands how it is tested', () => {
    const unmarked = blocks.filter(({ language, mark }) => language === 'sh' && mark === null);
    // Other pages are for contributors; CI runs what they say.
    expect(path.startsWith('docs/') || path === 'README.md' ? unmarked : []).toEqual([]);
  });

  test.each(blocks.filter(({ language }) => Object.hasOwn(CHECKS, language)))(
    'has a $language block that is valid',
    (block) => {
      expect(() => CHECKS[block.language]?.(block.text)).not.toThrow();
    },
  );
});
