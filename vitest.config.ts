import { defineConfig } from 'vitest/config';

/**
 * One configuration for every package: `vitest run --config ../../vitest.config.ts --root .`.
 * Workspace packages resolve to their sources; a worker thread's entry resolves to `dist`.
 */
const conditions = ['@flotilla/source', 'node', 'import', 'module', 'default'];
const nodeConditions = ['@flotilla/source', 'node', 'default'];

export default defineConfig({
  resolve: { conditions },
  // Node itself is started with these. With 'import' among them, its `require` would load the modules that are for `import`.
  ssr: { resolve: { conditions: nodeConditions, externalConditions: nodeConditions } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', ['json', { outputFile: '.reports/vitest.json' }]],
    testTimeout: 30_000,
  },
});
