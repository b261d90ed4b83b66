import { readFileSync } from 'node:fs';
import {
  buildSchema,
  findBreakingChanges,
  findDangerousChanges,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
} from 'graphql';
import { describe, expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const RELEASED = read('released.graphql');
const build = (sdl: string): GraphQLSchema => buildSchema(sdl, { assumeValidSDL: true });

/** Every change that can break a client or surprise it, as a sentence of graphql-js, unless an entry names all that changed. */
function unnamedChanges(released: string, current: string, entries: readonly string[]): readonly string[] {
  const [before, after] = [build(released), build(current)];
  const names = new Set([before, after].flatMap(namesOf));
  const isNamed = (description: string): boolean => {
    const changed = (description.match(/\w+/g) ?? []).filter((word) => names.has(word));
    return entries.some((entry) =>
      changed.every((name) => entry.includes(`\`${name}\``) || entry.includes(`.${name}`)),
    );
  };
  return [...findBreakingChanges(before, after), ...findDangerousChanges(before, after)]
    .map(({ description }) => description)
    .filter((description) => !isNamed(description));
}

function namesOf(schema: GraphQLSchema): readonly string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (isIntrospectionType(type)) return [];
    if (isEnumType(type)) return [type.name, ...type.getValues().map(({ name }) => name)];
    if (isInputObjectType(type)) return [type.name, ...Object.keys(type.getFields())];
    if (!isObjectType(type) && !isInterfaceType(type)) return [type.name];
    const fields = Object.values(type.getFields());
    return [type.name, ...fields.flatMap(({ name, args }) => [name, ...args.map((arg) => arg.name)])];
  });
}

/** The entries of the changelog's newest version for graph owners. */
function entriesForGraphOwners(changelog: string): readonly string[] {
  const [newest = ''] = changelog.split(/^## /m).slice(1);
  const section = newest.split(/^### /m).find((part) => part.startsWith('For graph owners')) ?? '';
  return section.split(/^- /m).slice(1);
}

test('the changelog names every schema change since the release that can break or surprise a client', () => {
  const entries = entriesForGraphOwners(read('../../CHANGELOG.md'));
  expect(entries).not.toEqual([]);
  expect(unnamedChanges(RELEASED, read('../../schema.graphql'), entries)).toEqual([]);
});

test('released.graphql is the schema of the version in package.json', () => {
  const { version } = JSON.parse(read('../../package.json')) as { readonly version: string };
  expect(RELEASED.split('\n')[0]).toBe(`# The schema of version ${version}`);
});

describe('the comparison with the released schema', () => {
  test.each([
    ['a removed field', 'type Query { a: Int }', 'Query.b was removed.'],
    ['a changed type', 'type Query { a: Int b: String }', 'Query.b changed type from Int to String.'],
    ['a new required argument', 'type Query { a: Int b(c: Int!): Int }', 'A required arg c on Query.b was added.'],
  ])('reports %s that the changelog does not name', (_name, current, change) => {
    expect(unnamedChanges('type Query { a: Int b: Int }', current, ['`Query.a` is new.'])).toEqual([change]);
  });

  test('reports a new enum member unless one entry names both the enum and the member', () => {
    const [before, after] = ['A', 'A B'].map((values) => `type Query { e: Code } enum Code { ${values} }`) as [
      string,
      string,
    ];
    expect(unnamedChanges(before, after, ['`Code` is described better.', '`B` is a letter.'])).toHaveLength(1);
    expect(unnamedChanges(before, after, ['`Code` gains `B`.'])).toEqual([]);
  });
});
