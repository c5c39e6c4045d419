import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 100_000,
    hookTimeout: 100_000,
    teardownTimeout: 10_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
