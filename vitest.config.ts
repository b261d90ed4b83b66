import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { toTestProjects } from './test/support/test-projects.ts';

const { unit, integration, e2e } = toTestProjects();
const POSTGRES = 'test/support/postgres-setup.ts';
const PROGRAM = 'test/e2e/support/program-setup.ts';
const CORES = availableParallelism();
/** Runs after the unit tests. Even two cores have room for four workers: an end-to-end test waits half of its time. */
const OUTSIDE = { testTimeout: 120_000, maxWorkers: Math.max(4, CORES), sequence: { groupOrder: 1 } };

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
    projects: [
      // Unit tests hardly wait, and each worker loads all modules, so there are no more workers than cores.
      {
        extends: true,
        test: {
          name: 'unit',
          ...unit,
          maxWorkers: CORES,
          sequence: { groupOrder: 0 },
          // What they poll costs nothing.
          expect: { poll: { timeout: 20_000, interval: 5 } },
        },
      },
      { extends: true, test: { name: 'integration', ...integration, ...OUTSIDE, globalSetup: [POSTGRES] } },
      {
        extends: true,
        test: { name: 'e2e', ...e2e, ...OUTSIDE, globalSetup: [POSTGRES, PROGRAM], hookTimeout: 300_000 },
      },
    ],
  },
});
