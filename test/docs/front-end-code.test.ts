import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';

const BLOCK = /<!-- checked: (\S+) -->\n```tsx?\n(.*?)```/gs;

/** Checks the blocks as a project does that has installed the package. Returns the errors. */
function checkTypes(blocks: ReadonlyMap<string, string>): readonly string[] {
  const folder = temporaryFolder();
  for (const [name, code] of blocks) writeFileSync(join(folder, name), code);
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'dom', 'dom.iterable'],
    module: 'preserve',
    moduleResolution: 'bundler',
    jsx: 'react-jsx',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    types: [],
    paths: {
      'account-task-gateway/client': [resolve('src/client/account-task-client.ts')],
      react: [resolve('node_modules/@types/react')],
      'react/jsx-runtime': [resolve('node_modules/@types/react/jsx-runtime.d.ts')],
    },
  };
  const config = join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [...blocks.keys()] }));
  const tsc = ['node_modules/typescript/bin/tsc', '-p', config];
  // The lines that explain an error are indented.
  return spawnSync(process.execPath, tsc, { encoding: 'utf8' }).stdout.match(/^\S.*$/gm) ?? [];
}

test('the forms in docs/front-ends.md have no type error', () => {
  const page = readFileSync('docs/front-ends.md', 'utf8');
  const blocks = new Map([...page.matchAll(BLOCK)].map(([, name = '', code = '']) => [name, code]));
  expect([...blocks.keys()]).toEqual(['create-task.ts', 'task-form.tsx', 'plain-form.ts']);
  const broken = blocks.get('task-form.tsx')?.replace('toText(result)', 'toText(result.kind)') ?? '';
  expect(checkTypes(new Map([...blocks, ['broken-form.tsx', broken]]))).toEqual([
    expect.stringMatching(/broken-form\.tsx.*: error TS2345: /),
  ]);
});
