import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'rolldown';

/** Packages that few starts load: GraphiQL, a page of 9 MB, and the log for terminals. */
const INSTALLED_BESIDE = ['@graphql-yoga/render-graphiql', 'pino-pretty'];
const GRAPHQL = fileURLToPath(new URL('node_modules/graphql/', import.meta.url));

/**
 * The program and the embedded gateway in few files, because finding and loading a thousand takes longer than running them.
 * graphql is one of them: where it is installed, the project around may have another version, or a second copy of this one.
 */
export default defineConfig({
  input: { cli: 'src/cli.ts', embedded: 'src/app/embedded.ts', client: 'src/client/account-task-client.ts' },
  platform: 'node',
  external: (id) => INSTALLED_BESIDE.some((name) => id === name || id.startsWith(`${name}/`)),
  output: { dir: 'dist', chunkFileNames: 'program/[name]-[hash].js' },
  plugins: [bundleOneGraphql(), keepLicenses('program/LICENSES.txt')],
});

/** Packages in CommonJS would bring a second copy of graphql, whose types the first does not know. */
function bundleOneGraphql(): Plugin {
  return {
    name: 'bundle-one-graphql',
    resolveId(id) {
      if (id === 'graphql') return join(GRAPHQL, 'index.mjs');
      if (!id.startsWith('graphql/')) return null;
      const path = join(GRAPHQL, id.slice('graphql/'.length).replace(/\.m?js$/, ''));
      return existsSync(`${path}.mjs`) ? `${path}.mjs` : join(path, 'index.mjs');
    },
  };
}

/** Adds the licences of all bundled packages, which must be passed on with them. */
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
