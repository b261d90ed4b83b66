import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('V8 still has each flag that the gateway sets', async () => {
  const source = readFileSync(new URL('../../src/app/serving.ts', import.meta.url), 'utf8');
  const flags = [...source.matchAll(/setFlagsFromString\('--(?:no-)?([\w-]+)'\)/g)].map(([, flag = '']) => flag);
  expect(flags.length).toBeGreaterThan(0);
  const { stdout } = await promisify(execFile)(process.execPath, ['--v8-options']);
  expect(flags.filter((flag) => !stdout.includes(`--${flag} `))).toEqual([]);
});
