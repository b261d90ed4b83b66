import { createHash } from 'node:crypto';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';
import { printSchema } from 'graphql';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from './src/contract/enums.ts';
import { createSchema, printSubgraph } from './src/schema/schema.ts';

const schema = createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS });

/** The subgraph's SDL, as `_service` gives it. */
const subgraphSdl = { plugin: () => printSubgraph(schema) };

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
