import { createHash } from 'node:crypto';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';
import { type DefinitionNode, graphqlSync, parse, print, printSchema, visit } from 'graphql';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from './src/contract/enums.ts';
import { createSchema } from './src/schema/schema.ts';

const schema = createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS });

const { data } = graphqlSync({ schema, source: '{ _service { sdl } }' });
const { _service: service } = data as unknown as { readonly _service: { readonly sdl: string } };

/** The subgraph's SDL, sorted, with the federation directives that no plugin of the generator prints. */
const subgraphSdl = {
  plugin: () => {
    const document = visit(parse(service.sdl), {
      StringValue: (node, key) => (key === 'description' ? { ...node, block: true } : undefined),
      ObjectTypeDefinition: { leave: (type) => ({ ...type, fields: byName(type.fields) }) },
      InputObjectTypeDefinition: { leave: (type) => ({ ...type, fields: byName(type.fields) }) },
      InterfaceTypeDefinition: { leave: (type) => ({ ...type, fields: byName(type.fields) }) },
      FieldDefinition: { leave: (field) => ({ ...field, arguments: byName(field.arguments) }) },
      EnumTypeDefinition: { leave: (type) => ({ ...type, values: byName(type.values) }) },
    });
    return print({ ...document, definitions: document.definitions.toSorted((a, b) => compare(nameOf(a), nameOf(b))) });
  },
};

const config: CodegenConfig = {
  schema: printSchema(schema),
  documents: ['test/operations/*.graphql'],
  pluginLoader: async (name: string) => (name.includes('subgraph-sdl') ? subgraphSdl : import(name)),
  generates: {
    'schema.graphql': { plugins: ['subgraph-sdl'] },
    'test/generated/': {
      preset: 'client',
      presetConfig: {
        fragmentMasking: false,
        // A document keeps its text beside its hash; persisted-documents.json is the manifest of all.
        persistedDocuments: { mode: 'embedHashInDocument', hashAlgorithm: sha256 },
      },
      // Clients with a cache add these to a document of their own accord, and it would no longer be the one of the hash.
      documentTransforms: [addTypenameSelectionDocumentTransform],
      config: {
        scalars: { DateTime: 'string', ID: 'string', JSON: 'unknown', _Any: 'unknown' },
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
      },
    },
  },
};

export default config;

/** In bare hexadecimal digits, as clients send it; the generator's own `sha256` puts the algorithm in front. */
function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function byName<Node extends { readonly name: { readonly value: string } }>(
  nodes: readonly Node[] = [],
): readonly Node[] {
  return nodes.toSorted((a, b) => compare(a.name.value, b.name.value));
}

/** The name to sort by; empty for the link to Federation, which comes first. */
function nameOf(definition: DefinitionNode): string {
  return 'name' in definition ? (definition.name?.value ?? '') : '';
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
