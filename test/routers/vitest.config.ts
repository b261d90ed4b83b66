import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/routers/*.check.ts'],
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
