import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // One copy of graphql: vitest otherwise loads its ESM and its CommonJS build, and `instanceof GraphQLError` fails.
    alias: { graphql: fileURLToPath(new URL('node_modules/graphql/index.js', import.meta.url)) },
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres-setup.ts'],
    server: { deps: { inline: [/graphql/, /@pothos/, /@envelop/] } },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What a process reports, such as its metrics, may be a second old.
    expect: { poll: { timeout: 20_000 } },
  },
});
