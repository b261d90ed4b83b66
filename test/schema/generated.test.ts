import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CODEGEN = fileURLToPath(new URL('../../node_modules/.bin/graphql-codegen', import.meta.url));

test('schema.graphql and the typed operations are what the code generator writes', async () => {
  // It compares and writes nothing.
  const check = promisify(execFile)(process.execPath, [CODEGEN, '--check', '--errors-only'], { cwd: ROOT });
  const stale = await check.then(
    () => null,
    ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) => `${stdout}${stderr}`,
  );
  expect(stale, 'run npm run codegen').toBeNull();
});
