import { createHash } from 'node:crypto';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform, preset } from '@graphql-codegen/client-preset';
import { type DocumentNode, print, printSchema } from 'graphql';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from './src/contract/enums.ts';
import { createSchema, printSubgraph } from './src/schema/schema.ts';

const schema = createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS });

/** The subgraph's SDL, as `_service` gives it. */
const subgraphSdl = { plugin: () => printSubgraph(schema) };

const config: CodegenConfig = {
  schema: printSchema(schema),
  documents: ['operations/*.graphql'],
  pluginLoader: async (name: string) => (name.includes('subgraph-sdl') ? subgraphSdl : import(name)),
  generates: {
    'schema.graphql': { plugins: ['subgraph-sdl'] },
    './': {
      preset: documentsPreset(),
      presetConfig: {
        fragmentMasking: false,
        // A document keeps its text beside its hash, for clients that send either; the manifest has all of them.
        persistedDocuments: { mode: 'embedHashInDocument', hashAlgorithm: sha256 },
        onExecutableDocumentNode: (document: DocumentNode) => ({ text: print(document) }),
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

/** The files of the client preset that the package needs, with a type of documents that needs no other package. */
function documentsPreset(): typeof preset {
  const paths = new Map([
    ['./graphql.ts', 'src/client/generated/documents.ts'],
    ['./persisted-documents.json', 'trusted-documents.json'],
  ]);
  return {
    ...preset,
    prepareDocuments: (_, documents) => documents,
    async buildGeneratesSection(options) {
      const sections = await preset.buildGeneratesSection(options);
      return sections.flatMap((section) => {
        const filename = paths.get(section.filename);
        const { 'typed-document-node': documents } = section.pluginMap;
        if (documents)
          section.pluginMap['typed-document-node'] = { ...documents, plugin: ownDocumentType(documents.plugin) };
        return filename === undefined ? [] : [{ ...section, filename }];
      });
    },
  };
}

type PluginFunction = Parameters<typeof preset.buildGeneratesSection>[0]['pluginMap'][string]['plugin'];

function ownDocumentType(plugin: PluginFunction): PluginFunction {
  return async (...args) => {
    const output = await plugin(...args);
    if (typeof output === 'string') return output;
    return { ...output, prepend: ["import type { TypedDocument as DocumentNode } from '../typed-document.ts';"] };
  };
}

/** In bare hexadecimal digits, as clients send it; the generator's own `sha256` puts the algorithm in front. */
function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
