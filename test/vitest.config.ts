import { defineConfig } from 'vitest/config';

const layer = (name: string, options: { timeout: number; parallel: boolean }) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: options.timeout,
    hookTimeout: options.timeout,
    fileParallelism: options.parallel,
    pool: 'forks' as const,
  },
});

/** One project a layer: pure tests run side by side, those with real servers one file after the other. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    maxWorkers: 2,
    projects: [
      layer('unit', { timeout: 30_000, parallel: true }),
      layer('postgres', { timeout: 120_000, parallel: false }),
      layer('image', { timeout: 600_000, parallel: false }),
    ],
  },
});
