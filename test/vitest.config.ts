import { defineConfig } from 'vitest/config';

const layer = (name: string, timeout: number, globalSetup: string[] = []) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: timeout,
    globalSetup,
    pool: 'forks' as const,
  },
});

/** One project a layer. Files of all of them run side by side, two at a time: most tests wait more than they work. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    maxWorkers: 2,
    projects: [
      layer('unit', 30_000),
      layer('simulation', 120_000),
      layer('postgres', 120_000),
      layer('cluster', 180_000, ['./test/support/seed.ts']),
      layer('kubernetes', 180_000, ['./test/setup/control-plane.ts']),
      layer('image', 600_000),
    ],
  },
});
