import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';

/** Packages that the program finds in node_modules, their parts included. */
const INSTALLED_BESIDE = [
  // Its licence is not the usual permissive one; and it must meet the same copy of graphql.
  '@apollo/subgraph',
  'graphql',
  // Loaded by few configurations: they look for parts of themselves at run time, or are a page of 9 MB.
  '@graphql-yoga/render-graphiql',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace',
  'pg',
  'pino-pretty',
];

/** The program in few files, because finding and loading a thousand takes longer than running them. */
export default defineConfig({
  input: 'src/cli.ts',
  platform: 'node',
  external: (id) => INSTALLED_BESIDE.some((name) => id === name || id.startsWith(`${name}/`)),
  output: { dir: 'dist', chunkFileNames: 'program/[name]-[hash].js' },
  plugins: [keepLicenses('program/LICENSES.txt')],
});

/** Whoever passes on what is bundled passes on its licences too. */
function keepLicenses(fileName: string): Plugin {
  return {
    name: 'keep-licenses',
    generateBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap((output) => (output.type === 'chunk' ? output.moduleIds : []));
      const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []);
      const source = [...new Set(folders)].toSorted().map(readLicense).join('\n\n');
      this.emitFile({ type: 'asset', fileName, source });
    },
  };
}

function readLicense(folder: string): string {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly [field in 'name' | 'version' | 'license']: string;
  } & { readonly author?: string | { readonly name: string } };
  const texts = readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  const by = typeof author === 'object' ? author.name : author;
  return [`# ${name} ${version}: ${license}${by === undefined ? '' : `, by ${by}`}`, ...texts].join('\n\n');
}
