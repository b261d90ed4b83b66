import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { toTestProjects } from './test/support/test-projects.ts';

const { unit, integration, e2e } = toTestProjects();
const POSTGRES = 'test/support/postgres-setup.ts';
const PROGRAM = 'test/e2e/support/program-setup.ts';

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A process publishes its metrics once a second.
    expect: { poll: { timeout: 20_000 } },
    // Node runs the sources as in production: there is one copy of graphql, and nothing is transformed.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // Files that run in the same worker share the modules they load, which takes most of a file's time otherwise.
    isolate: false,
    // Even two cores have room for four: an end-to-end test waits half of its time.
    maxWorkers: Math.max(4, availableParallelism()),
    projects: [
      { extends: true, test: { name: 'unit', ...unit } },
      { extends: true, test: { name: 'integration', ...integration, globalSetup: [POSTGRES], testTimeout: 120_000 } },
      {
        extends: true,
        test: { name: 'e2e', ...e2e, globalSetup: [POSTGRES, PROGRAM], testTimeout: 120_000, hookTimeout: 300_000 },
      },
    ],
  },
});
