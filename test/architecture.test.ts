import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findCycles, findSharedNames, layerProblems, ROOMS, type SourceFiles, toRelativeImports } from './layers.ts';

const MAX_LINES = 230;
const MAX_FILES_IN_A_FOLDER = 17;
const MAX_ROOMS = 16;

const root = fileURLToPath(new URL('..', import.meta.url));
const sources: SourceFiles = new Map(
  globSync('src/**/*', { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .map((path) => [path.slice(root.length).replaceAll('\\', '/'), readFileSync(path, 'utf8')]),
);

/** Without what a generator wrote. */
const written: SourceFiles = new Map([...sources].filter(([path]) => !path.includes('/generated/')));

describe('the source', () => {
  test('The source files are found.', () => {
    expect([...sources.keys()]).toContain('src/contract/envelope.ts');
  });

  test('Every source file keeps to the layers and to the rules for source files.', () => {
    expect(layerProblems(sources)).toStrictEqual([]);
  });

  test('No source file imports itself by way of others, import() and types included.', () => {
    expect(findCycles(sources)).toStrictEqual([]);
  });

  test('No file name and no exported name stands for two things.', () => {
    expect(findSharedNames(written)).toStrictEqual([]);
  });

  test('Tracing and pretty printing are loaded only where they are configured.', () => {
    const importers = (pattern: RegExp) => [...sources].filter(([, text]) => pattern.test(text)).map(([path]) => path);
    expect(importers(/from '@opentelemetry/)).toEqual(['src/telemetry/tracing.ts']);
    expect(importers(/import\('\.\.\/telemetry\/tracing\.ts'\)/)).toEqual(['src/app/observers.ts']);
    expect(importers(/from '(?:[^']*\/tracing\.ts|pino-pretty)'/)).toEqual([]);
  });

  test('Serving loads only the packages that every configuration needs.', () => {
    const packages = loadedPackages('src/app/serving.ts');
    expect(packages).toEqual(expect.arrayContaining(['graphql', 'graphql-yoga', 'pino', 'saxes']));
    const ofSome = /^(?:jose|undici|pg|uuid|node:sqlite|pino-pretty|@opentelemetry)(?:\/|$)/;
    expect(packages.filter((name) => ofSome.test(name))).toEqual([]);
  });

  test(`No source file that people write has more than ${MAX_LINES} lines.`, () => {
    const long = [...written].filter(([, text]) => text.trimEnd().split('\n').length > MAX_LINES).map(([path]) => path);
    expect(long).toStrictEqual([]);
  });

  test(`No folder holds more than ${MAX_FILES_IN_A_FOLDER} files, and there are at most ${MAX_ROOMS} rooms.`, () => {
    const folders = Map.groupBy(sources.keys(), (path) => posix.dirname(path));
    expect([...folders].filter(([, files]) => files.length > MAX_FILES_IN_A_FOLDER)).toStrictEqual([]);
    expect(ROOMS.length).toBeLessThanOrEqual(MAX_ROOMS);
  });
});

/** Returns the packages that are imported as soon as the file is. */
function loadedPackages(entry: string): readonly string[] {
  const loaded = new Set([entry]);
  const packages = new Set<string>();
  for (const path of loaded)
    for (const [, specifier = ''] of (sources.get(path) ?? '').matchAll(
      /^(?:import|export) (?!type )[^;]*?'([^']+)';$/gm,
    ))
      if (specifier.startsWith('.')) loaded.add(posix.join(posix.dirname(path), specifier));
      else packages.add(specifier);
  return [...packages];
}

describe('a planted violation is found', () => {
  test.each(ROOMS.filter((room) => room !== 'cli'))('An import of cli.ts is found in %s.', (room) => {
    const path = `src/${room}/a.ts`;
    expect(layerProblems(new Map([[path, `import { b } from '../cli.ts';`]]))).toEqual([
      `${path}: imports ../cli.ts, above or beside its layer`,
    ]);
  });

  test.each([
    ['contract', 'wire'],
    ['event-loop', 'contract'],
    ['wire', 'telemetry'],
    ['telemetry', 'http'],
    ['upstream', 'store'],
    ['store', 'upstream'],
    ['schema', 'graphql'],
    ['http', 'graphql'],
    ['http', 'rest'],
    ['http', 'auth'],
    ['auth', 'graphql'],
    ['rest', 'store'],
    ['graphql', 'rest'],
    ['app', 'commands'],
    ['commands', 'cluster'],
    ['cluster', 'store'],
  ])('An import of the wrong room is found: %s imports %s.', (room, other) => {
    const path = `src/${room}/deep/a.ts`;
    const plants = [`import { b } from '../../${other}/b.ts';`, `const b = () => import('../../${other}/b.ts');`];
    for (const text of plants) expect(layerProblems(new Map([[path, text]]))).toHaveLength(1);
  });

  test('An import of the wrong room is found in cli.ts.', () => {
    expect(layerProblems(new Map([['src/cli.ts', `import { b } from './wire/json.ts';`]]))).toHaveLength(1);
  });

  test.each([
    ['createB', 'src/wire/a.ts', 'src/http/b.ts', 'export function createB() {}', 'export async function createB() {}'],
    ['Limit', 'src/wire/a.ts', 'src/http/b.ts', 'export interface Limit {}', 'export type Limit = string;'],
    ['a.ts', 'src/wire/a.ts', 'src/http/a.ts', 'const b = 1;', 'const b = 1;'],
  ])('A name for two things is found: %s', (name, path, otherPath, text, otherText) => {
    const planted = new Map([
      [path, text],
      [otherPath, otherText],
    ]);
    expect(findSharedNames(planted)).toEqual([`${name}: ${path}, ${otherPath}`]);
  });

  test.each([`import { b } from './b.ts';`, `import type { B } from './b.ts';`, `const b = () => import('./b.ts');`])(
    'A cycle is found: %s',
    (text) => {
      const planted = new Map([
        ['src/wire/a.ts', text],
        ['src/wire/b.ts', `export { c } from './c.ts';`],
        ['src/wire/c.ts', `import { a } from './a.ts';`],
      ]);
      expect(findCycles(planted)).toEqual(['src/wire/a.ts → src/wire/b.ts → src/wire/c.ts → src/wire/a.ts']);
      expect(toRelativeImports('src/wire/a.ts', text)).toEqual(['src/wire/b.ts']);
    },
  );

  test.each([
    ['an upward import', 'src/contract/a.ts', `import { b } from '../wire/json.ts';`],
    ['an upward import over a detour', 'src/contract/a.ts', `import { b } from './../contract/../store/b.ts';`],
    ['a face that imports a backend', 'src/schema/a.ts', `import { b } from '../store/task-service.ts';`],
    ['the other face that imports a backend', 'src/rest/a.ts', `import { b } from '../upstream/client.ts';`],
    ['a backend that imports the other', 'src/store/a.ts', `import { b } from '../upstream/client.ts';`],
    ['a backend that imports a face', 'src/upstream/a.ts', `import { b } from '../schema/schema.ts';`],
    ['a layer that imports the config', 'src/graphql/a.ts', `import { b } from '../app/config.ts';`],
    ['a layer that imports the command line', 'src/http/a.ts', `import { b } from '../cli.ts';`],
    ['a layer that imports the wiring', 'src/http/a.ts', `import { b } from '../app/gateway.ts';`],
    ['an import from outside the source', 'src/wire/a.ts', `import { b } from '../../test/layers.ts';`],
    ['an import by absolute path', 'src/wire/a.ts', `import { b } from '/src/contract/enums.ts';`],
    ['a type-only import', 'src/schema/a.ts', `import type { B } from '../store/task-service.ts';`],
    ['an inline type import', 'src/schema/a.ts', `import { type B } from '../store/task-service.ts';`],
    ['an import for effect', 'src/schema/a.ts', `import '../store/database.ts';`],
    ['an import in a type', 'src/schema/a.ts', `type B = import('../store/database.ts').B;`],
    ['a re-export', 'src/schema/a.ts', `export { b } from '../store/database.ts';`],
    ['a re-export of all', 'src/schema/a.ts', `export * from '../store/database.ts';`],
    ['a re-export of a type', 'src/schema/a.ts', `export type { B } from '../store/database.ts';`],
    ['a dynamic import', 'src/schema/a.ts', `const b = async () => await import('../store/database.ts');`],
    ['a dynamic import by template', 'src/schema/a.ts', 'const b = import(`../store/database.ts`);'],
    ['a dynamic import by name', 'src/cli.ts', `const b = (name: string) => import(name);`],
    ['an import by require', 'src/store/a.ts', `import b = require('undici');`],
    ['a call of require', 'src/store/a.ts', `const b = require('undici');`],
    ['a package of another layer', 'src/store/a.ts', `import { Pool } from 'undici';`],
    ['a package with a path', 'src/store/a.ts', `import Pool from 'undici/lib/pool.js';`],
    ['a package of a like name', 'src/schema/a.ts', `import { b } from 'graphql-yoga';`],
    ['a scoped package of a like name', 'src/schema/a.ts', `import { b } from '@pothosx/core';`],
    ['a package nobody listed', 'src/http/a.ts', `import b from 'express';`],
    ['a package in the contract', 'src/contract/a.ts', `import { v7 } from 'uuid';`],
    ['a builtin in the client', 'src/client/a.ts', `import { webcrypto } from 'node:crypto';`],
    ['a room below in the client', 'src/client/a.ts', `import type { B } from '../contract/failure.ts';`],
    ['a package in the client', 'src/client/a.ts', `import type { DocumentNode } from 'graphql';`],
    ['a builtin in the contract', 'src/contract/a.ts', `import { createHash } from 'node:crypto';`],
    ['a builtin that the wire does not need', 'src/wire/a.ts', `import { connect } from 'node:net';`],
    ['a builtin without its prefix', 'src/store/a.ts', `import { connect } from 'net';`],
    ['the process by import', 'src/http/a.ts', `import { env } from 'node:process';`],
    ['a hidden require', 'src/store/a.ts', `import { createRequire } from 'node:module';`],
    ['a read of the environment', 'src/http/a.ts', `export const b = process.env['B'];`],
    ['a read of the environment in the config', 'src/app/config.ts', `export const b = process.env;`],
    ['a read of the environment as a default', 'src/app/config.ts', `export const b = ({ env } = process) => env;`],
    ['a process of the global object', 'src/store/a.ts', `globalThis.process.exit(1);`],
    ['a process of the global object by index', 'src/store/a.ts', `globalThis['process'].exit(1);`],
    ['a process of the older global object', 'src/store/a.ts', `global.process.exit(1);`],
    ['a process taken out of the global object', 'src/store/a.ts', `const { process } = globalThis;`],
    ['a read of the environment beside the command line', 'src/app/gateway.ts', `export const b = process.env;`],
    ['a file in an unknown folder', 'src/lib/a.ts', `export const b = 1;`],
    ['a file beside the layers', 'src/main.ts', `export const b = 1;`],
    ['a file that is not TypeScript', 'src/wire/a.js', `export const b = 1;`],
    ['settings for operators', 'src/app/alerts.yml', `groups: []`],
    ['a document', 'src/app/operations.md', `# Operations`],
    ['a room without a folder', 'src/wire.ts', `export const b = 1;`],
    ['a barrel', 'src/wire/index.ts', `export * from './json.ts';`],
    ['a drawer', 'src/wire/utils.ts', `export const b = 1;`],
    ['a drawer of types', 'src/wire/types.ts', `export type B = 1;`],
    ['a name in camel case', 'src/wire/mediaType.ts', `export const b = 1;`],
    ['a default export', 'src/wire/a.ts', `export default function b() {}`],
    ['a default export by name', 'src/wire/a.ts', `const b = 1; export { b as default };`],
  ])('%s', (_, path, text) => {
    const problems = layerProblems(new Map([[path, text]]));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${path}: .`));
  });

  test('in the midst of lawful files', () => {
    const planted = new Map([...sources, ['src/contract/a.ts', `import '../store/b.ts';`]]);
    expect(layerProblems(planted)).toHaveLength(layerProblems(sources).length + 1);
  });
});

describe('what is lawful passes', () => {
  test.each([
    ['its own layer', 'src/contract/a.ts', `import { b } from './b.ts';`],
    ['its own layer, deeper', 'src/store/deep/a.ts', `import { b } from '../b.ts';`],
    ['a layer below', 'src/upstream/a.ts', `import { b } from '../wire/json.ts';`],
    ['the contract from the config', 'src/app/config.ts', `import { b } from '../contract/enums.ts';`],
    ['a package of the layer', 'src/wire/a.ts', `import { XMLParser } from 'fast-xml-parser';`],
    ['a scoped package of the layer', 'src/schema/a.ts', `import b from '@pothos/plugin-directives';`],
    ['a path in a package of the layer', 'src/schema/a.ts', `import { b } from 'graphql/execution/execute.js';`],
    ['a builtin where all are allowed', 'src/store/a.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['the rooms below in the wiring', 'src/app/gateway.ts', `import '../rest/b.ts'; import '../store/b.ts';`],
    ['the process in the command line', 'src/cli.ts', `import 'node:process'; import './app/b.ts'; process.exit(0);`],
    ['a member called process', 'src/store/a.ts', `export const b = { process: 1 }; b.process;`],
    ['the word in a text or comment', 'src/store/a.ts', `/* process.env */ export const b = "import('undici')";`],
    ['an import called default', 'src/wire/a.ts', `import { default as b } from 'saxes'; export { b };`],
  ])('%s', (_, path, text) => {
    expect(layerProblems(new Map([[path, text]]))).toStrictEqual([]);
  });
});
