import { readFileSync } from 'node:fs';
import SchemaBuilder from '@pothos/core';
import DirectivesPlugin from '@pothos/plugin-directives';
import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph';
import {
  buildSchema,
  graphql,
  type GraphQLNamedType,
  type GraphQLObjectType,
  Kind,
  parse,
  print,
  type TypeDefinitionNode,
  valueFromASTUntyped,
  visit,
} from 'graphql';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { toSubgraphSchema } from '../../src/schema/subgraph.ts';
import { COMPOSERS } from '../support/federated-graph.ts';
import { type RunningGateway, startStoreGateway } from '../support/running-gateway.ts';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])';
const SERVICE = '{ _service { sdl } }';
const SCHEMA = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');

const gateway = await startStoreGateway({ mode: 'serve' });
afterAll(() => gateway.close());

/** Fetches the SDL as a router or a schema registry does: with introspection off and without credentials. */
async function fetchSdl({ graphql: ask }: RunningGateway): Promise<string> {
  const { json } = await ask({ query: SERVICE }, { authorization: '' });
  return toSdl(json.data);
}

function toSdl(data: unknown): string {
  const { _service: service } = data as { readonly _service: { readonly sdl: string } };
  return service.sdl;
}

describe('the SDL from _service', async () => {
  const sdl = await fetchSdl(gateway);
  const { definitions } = parse(sdl);
  const types = definitions.filter((definition): definition is TypeDefinitionNode => 'name' in definition);
  /** The types that have a directive, each with its arguments. */
  const uses = (name: string) =>
    types.flatMap((type) =>
      (type.directives ?? [])
        .filter((directive) => directive.name.value === name)
        .map(({ arguments: args = [] }) => [
          type.name.value,
          Object.fromEntries(args.map((argument) => [argument.name.value, valueFromASTUntyped(argument.value)])),
        ]),
    );

  test('links Federation 2.9 and imports what it uses', () => {
    const links = definitions.flatMap((definition) =>
      definition.kind === Kind.SCHEMA_EXTENSION ? (definition.directives ?? []) : [],
    );
    const args = links.flatMap(({ arguments: given = [] }) =>
      given.map((argument) => [argument.name.value, valueFromASTUntyped(argument.value)]),
    );
    expect(Object.fromEntries(args)).toMatchObject({
      url: 'https://specs.apollo.dev/federation/v2.9',
      import: ['@cost', '@key', '@listSize', '@shareable'],
    });
    expect(links.map((directive) => directive.name.value)).toEqual(['link', 'contact']);
  });

  test('names the owner of the subgraph for schema registries', () => {
    expect(sdl).toMatch(/extend schema @link\([^)]+\) @contact\(name: "account-task-gateway", description: "[^"]+"\)/);
  });

  test('tells routers with demand control the cost of every write and the size of a page', () => {
    const { Mutation, Query } = buildSchema(sdl, { assumeValidSDL: true }).getTypeMap();
    const writes = Object.keys((Mutation as GraphQLObjectType).getFields());
    expect(writes.map((field) => directivesOf(Mutation, field))).toEqual(writes.map(() => '@cost(weight: 50)'));
    expect(directivesOf(Query, 'accountTasks')).toBe(
      '@listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["edges"], requireOneSlicingArgument: false)',
    );
  });

  test('has a @key on every entity, marked as not resolvable where others resolve it', () => {
    expect(uses('key')).toEqual([
      ['AccountTask', { fields: 'id' }],
      ['Client', { fields: 'id', resolvable: false }],
      ['Task', { fields: 'id', resolvable: false }],
    ]);
  });

  test('marks PageInfo as @shareable, so that every subgraph with connections can define it', () => {
    expect(uses('shareable')).toEqual([['PageInfo', {}]]);
  });

  describe.each(Object.entries(COMPOSERS))('when composed by %s', (_name, compose) => {
    const withOther = (otherSdl: string) =>
      compose([
        { name: 'account-tasks', url: 'http://127.0.0.1', sdl },
        { name: 'other', url: 'http://127.0.0.1', sdl: `${LINK}${otherSdl} type Query { other: String }` },
      ]);

    test('composes with a subgraph that defines the same PageInfo', () => {
      const { supergraphSdl, remarks } = withOther(
        'type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }',
      );
      expect(remarks).toEqual([]);
      expect(supergraphSdl).toMatch(/type PageInfo\b/);
    });

    test('does not compose with a subgraph that defines a field that is not @shareable', () => {
      const { supergraphSdl, remarks } = withOther(
        'type AccountTask @key(fields: "id") { id: ID! status: String @shareable }',
      );
      expect(supergraphSdl).toBeUndefined();
      expect(remarks.join()).toContain('AccountTask.status');
    });

    test('composes with a subgraph that adds fields to its entities', () => {
      const { supergraphSdl, remarks } = withOther(`
        type Task @key(fields: "id") { id: ID! title: String! }
        type Client @key(fields: "id") { id: ID! name: String! }
        type AccountTask @key(fields: "id") { id: ID! runs: Int! }`);
      expect(remarks).toEqual([]);
      for (const field of ['title: String!', 'name: String!', 'runs: Int!']) expect(supergraphSdl).toContain(field);
    });
  });

  test('omits the fields and types that Federation adds', () => {
    expect(sdl).not.toMatch(/\b_(?:entities|service|Entity|Service|Any)\b/);
  });

  test('equals schema.graphql', () => {
    expect(sdl).toBe(SCHEMA);
  });

  test('is unchanged when Apollo parses and prints it', () => {
    const apollosReading = printSubgraphSchema(buildSubgraphSchema(parse(sdl)));
    const [ours, apollos] = [sdl, apollosReading].map((text) =>
      visit(parse(text, { noLocation: true }), { StringValue: (node) => ({ ...node, block: true }) })
        .definitions.map(print)
        .toSorted(),
    );
    expect(ours).toEqual(apollos);
  });

  test.each(Object.entries(COMPOSERS))(
    'gives the same supergraph as schema.graphql when composed by %s',
    (_name, compose) => {
      const [given, committed] = [sdl, SCHEMA].map((text) => {
        const { supergraphSdl = '', remarks } = compose([{ name: 'one', url: 'http://127.0.0.1', sdl: text }]);
        expect(remarks).toEqual([]);
        return supergraphSdl.split('\n').toSorted();
      });
      expect(committed).toEqual(given);
      expect(given?.join()).toContain('createAccountTasks');
    },
  );
});

test('the SDL has the enum members of TASK_FREQUENCIES', async () => {
  const other = await startStoreGateway({ mode: 'serve', env: { TASK_FREQUENCIES: 'NONE=0,YEARLY' } });
  onTestFinished(() => other.close());
  const sdl = await fetchSdl(other);
  expect(sdl).toContain('YEARLY');
  expect(sdl).not.toContain('HOURLY');
});

test('_Entity has AccountTask as its only member', async () => {
  const introspected = await startStoreGateway();
  onTestFinished(() => introspected.close());
  const { json } = await introspected.graphql({ query: '{ __type(name: "_Entity") { kind possibleTypes { name } } }' });
  expect(json.data).toEqual({ __type: { kind: 'UNION', possibleTypes: [{ name: 'AccountTask' }] } });
});

function directivesOf(type: GraphQLNamedType | undefined, field: string): string | undefined {
  return (type as GraphQLObjectType).getFields()[field]?.astNode?.directives?.map(print).join(' ');
}

interface TaggedTypes {
  Directives: {
    key: { locations: 'OBJECT'; args: { readonly fields: string } };
    tag: { locations: 'OBJECT' | 'FIELD_DEFINITION'; args: { readonly name: string } };
  };
}

describe('@tag', async () => {
  const builder = new SchemaBuilder<TaggedTypes>({ plugins: [DirectivesPlugin] });
  const secret = ['internal', 'old'].map((name) => ({ name: 'tag' as const, args: { name } }));
  builder.queryType({ fields: (t) => ({ secret: t.string({ directives: secret, resolve: () => null }) }) });
  builder.objectType(builder.objectRef<object>('Tagged'), {
    directives: { key: { fields: 'name' }, tag: { name: 'whole-type' } },
    extensions: { resolveReference: () => null },
    fields: (t) => ({ name: t.string({ resolve: () => null }) }),
  });
  const schema = toSubgraphSchema(builder.toSchema(), { imports: ['@key', '@tag'] });
  const { data } = await graphql({ schema, source: SERVICE });
  const sdl = toSdl(data);

  test('a @tag on a field or a type is part of the SDL and its imports', () => {
    expect(sdl).toMatch(/secret: String @tag\(name: "internal"\) @tag\(name: "old"\)/);
    expect(sdl).toMatch(/type Tagged\s+@key\(fields: "name"\)\s+@tag\(name: "whole-type"\)/);
    expect(sdl).toMatch(/@link\([^)]*import: \["@key", "@tag"\]/);
  });

  test.each(Object.entries(COMPOSERS))('a @tag is part of the supergraph of %s', (_name, compose) => {
    const { supergraphSdl, remarks } = compose([{ name: 'one', url: 'http://127.0.0.1', sdl }]);
    expect(remarks).toEqual([]);
    for (const name of ['internal', 'old', 'whole-type']) expect(supergraphSdl).toContain(`@tag(name: "${name}")`);
  });
});
