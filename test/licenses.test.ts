import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}
type Packages = Readonly<Record<string, Locked>>;

const ALLOWED: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
]);

/** Finds the packages of production whose licence is not a permissive one, as `path: licence`. */
function otherLicenses(packages: Packages): readonly string[] {
  return Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .filter(([, { license = '' }]) => !ALLOWED.has(license))
    .map(([path, { license }]) => `${path}: ${license}`);
}

test('Every package that is installed in production has a permissive licence.', () => {
  const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
    readonly packages: Packages;
  };
  expect(Object.keys(packages)).toContain('node_modules/graphql');
  expect(otherLicenses(packages)).toEqual([]);
});

test.each(['Elastic-2.0', 'GPL-3.0-only', undefined])('A package under %s is found in production only.', (license) => {
  const locked = license === undefined ? {} : { license };
  expect(otherLicenses({ '': {}, 'node_modules/a': locked, 'node_modules/b': { ...locked, dev: true } })).toEqual([
    `node_modules/a: ${license}`,
  ]);
});
