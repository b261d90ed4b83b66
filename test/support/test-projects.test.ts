import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { toTestProjects, usesOutside } from './test-projects.ts';

const DATABASES = `import { Client, Pool } from 'pg';\nexport const a = 1;`;
const ACCOUNT = `import {\n  type A,\n  a,\n} from './databases.ts';`;

function usesOutsideIn(files: Readonly<Record<string, string>>): boolean {
  return usesOutside('test/a/a.test.ts', (path) => files[path] ?? '');
}

test.each([
  ['starts a process', { 'test/a/a.test.ts': `import { spawn } from 'node:child_process';` }, true],
  [
    'uses PostgreSQL through two helpers',
    {
      'test/a/a.test.ts': `import { a } from '../support/account.ts';`,
      'test/support/account.ts': ACCOUNT,
      'test/support/databases.ts': DATABASES,
    },
    true,
  ],
  [
    're-exports what uses PostgreSQL',
    {
      'test/a/a.test.ts': `export { a } from '../support/databases.ts';`,
      'test/support/databases.ts': DATABASES,
    },
    true,
  ],
  ['imports the sources only', { 'test/a/a.test.ts': `import { a } from '../../src/store/sql/postgres.ts';` }, false],
  ['only quotes an import', { 'test/a/a.test.ts': `  ['it', \`import { Pool } from 'pg';\`],` }, false],
] as const)('sorts a test that %s', (_, files, isOutside) => {
  expect(usesOutsideIn(files)).toBe(isOutside);
});

test('every test file that needs PostgreSQL or is listed as slow is an integration test, and the others are unit tests', () => {
  const { unit, integration } = toTestProjects();
  expect(integration.include).toContain('test/store/sql/postgres.test.ts');
  expect(unit.exclude).toEqual(expect.arrayContaining(integration.include));
  expect(integration.include.filter((path) => !existsSync(path))).toEqual([]);
  expect(integration.include).not.toContain('test/contract/envelope.test.ts');
});

test("the tests of the benchmark's packages do not run", () => {
  const { unit, integration } = toTestProjects();
  expect(unit.exclude).toContain('test/bench/node_modules/**');
  expect(integration.include.filter((path) => path.includes('node_modules'))).toEqual([]);
});
