import { defineConfig } from 'vitest/config';

/**
 * One configuration for every package: `vitest run --config ../../vitest.config.ts --root .`.
 * Workspace packages resolve to their sources; a worker thread's entry resolves to `dist`.
 */
const conditions = ['@flotilla/source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', ['json', { outputFile: '.reports/vitest.json' }]],
    testTimeout: 30_000,
  },
});
