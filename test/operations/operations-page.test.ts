import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { examineSqlite } from '../../src/doctor/sqlite-examination.ts';
import { openStore } from '../../src/store/store.ts';
import { temporaryFolder } from '../store/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(ROOT, 'src/operations/operations.md'), 'utf8');

/** The commands below a mark of the page. */
function commands(mark: string): string {
  const [, block] = new RegExp(`<!-- ${mark} -->\\n\`\`\`sh\\n([^]*?)\`\`\``).exec(page) ?? [];
  if (block === undefined) throw new Error(`The page has no commands for ${mark}.`);
  return block;
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
    const { groups } = parse(readFileSync(join(ROOT, 'src/operations/alerts.yml'), 'utf8')) as {
      readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
    };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    const sections = [...page.matchAll(/^### (Gateway\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts);
  });

  test('names only files, scripts and variables that exist', () => {
    const named = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, name = '']) => name);
    expect(named(/`(src\/[\w./-]+)`/g).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const scripts = new Set(Object.keys(packageJson.scripts));
    expect(named(/npm run ([\w:]+)/g).filter((script) => !scripts.has(script))).toEqual([]);
    const sources = [...globSync('src/config*.ts', { cwd: ROOT }), 'src/contract/failure.ts', 'compose.yaml'];
    const known = sources.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\n');
    expect(named(/`([A-Z]+(?:_[A-Z]+)+)`/g).filter((name) => !known.includes(name))).toEqual([]);
  });
});
