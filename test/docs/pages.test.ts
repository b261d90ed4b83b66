import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { examineSqlite } from '../../src/commands/doctor/sqlite-examination.ts';
import { openStore } from '../../src/store/store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');

/** The commands below a mark of the page. */
function commands(mark: string): string {
  const [, block] = new RegExp(`<!-- ${mark} -->\\n\`\`\`sh\\n([^]*?)\`\`\``).exec(page) ?? [];
  if (block === undefined) throw new Error(`The page has no commands for ${mark}.`);
  return block;
}

/** What the headings of a page are called in links to them. */
function anchors(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

function follow(mark: string, cwd: string): string {
  return execFileSync('sh', ['-e', '-c', commands(mark)], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe('the operations page, followed to the letter', () => {
  test('backs a SQLite database up while it is in use, and restores it over a damaged one', async () => {
    const folder = temporaryFolder();
    // `npx` finds this project's Node.
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(join(folder, 'data'));
    const path = join(folder, 'data', 'gateway.db');
    const inUse = await openStore({ databaseUrl: `sqlite:${path}` });
    const { client } = await inUse.clients.create({ name: 'before' });
    // It stands in the log alone: a plain copy of the file would lack it.
    expect(existsSync(`${path}-wal`)).toBe(true);

    expect(follow('sqlite: backup', folder)).toMatch(/integrity_check: 'ok'/);
    await inUse.clients.create({ name: 'after' });
    await inUse.close();
    writeFileSync(path, 'damaged');
    writeFileSync(`${path}-wal`, 'of another life');

    follow('sqlite: restore', folder);
    expect((await examineSqlite({ path, isStore: false })).map(({ state }) => state)).not.toContain('broken');
    const restored = await openStore({ databaseUrl: `sqlite:${path}` });
    expect((await restored.clients.list()).map(({ id }) => id)).toEqual([client.id]);
    await restored.close();
  });
});

describe('the operations page', () => {
  test('has a section for every alert, and none for others', () => {
    const { groups } = parse(readFileSync(join(ROOT, 'deploy/alerts.yml'), 'utf8')) as {
      readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
    };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    const sections = [...page.matchAll(/^### (Gateway\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts);
  });
});

const named = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = '']) => name);

describe.each(['docs/operations.md', 'docs/callers.md', 'README.md'])('%s', (path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');

  test('names only files and scripts that exist', () => {
    expect(named(text, /`((?:src|test)\/[\w./-]+)`/g).filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
    const scripts = new Set(Object.keys(packageJson.scripts));
    expect(named(text, /npm run ([\w:]+)/g).filter((script) => !scripts.has(script))).toEqual([]);
  });

  test('links only to files and headings that are there', () => {
    const missing = named(text, /\]\(([^)]*)\)/g).filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = join(ROOT, path, '..', file);
      return !existsSync(target) || (anchor !== undefined && !anchors(readFileSync(target, 'utf8')).includes(anchor));
    });
    expect(missing).toEqual([]);
  });
});

test('the operations page names only variables that exist', () => {
  const sources = [...globSync(['src/app/config*.ts'], { cwd: ROOT }), 'src/contract/failure.ts', 'compose.yaml'];
  const known = sources.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\n');
  // Those that begin with NODE_ are Node's own.
  expect(named(page, /`((?!NODE_)[A-Z]+(?:_[A-Z]+)+)`/g).filter((name) => !known.includes(name))).toEqual([]);
});
