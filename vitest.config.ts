import { defineConfig } from 'vitest/config';

const DRILLS = ['drills', 'drills-fleet', 'live', 'recovery'].map((name) => `test/ops/${name}.test.ts`);

/** One project per kind of test, so that `vitest --project unit` needs no server. */
const project = (name: string, options: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 20_000, ...options },
});

export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('contract', { testTimeout: 120_000, hookTimeout: 60_000 }),
      project('integration', { testTimeout: 180_000, hookTimeout: 120_000 }),
      project('ops', {
        testTimeout: 240_000,
        hookTimeout: 120_000,
        fileParallelism: false,
        exclude: [...DRILLS, 'node_modules/**'],
      }),
      // Real faults with the real monitoring around them: `make test-drills`.
      project('drills', {
        include: DRILLS,
        testTimeout: 600_000,
        hookTimeout: 300_000,
      }),
      // Needs a container engine: `make test-image`.
      project('image', { include: ['test/ops/**/*.spec.ts'], testTimeout: 600_000, hookTimeout: 600_000 }),
      project('e2e', { testTimeout: 240_000, hookTimeout: 120_000, fileParallelism: false }),
      project('chaos', { testTimeout: 240_000, hookTimeout: 120_000, fileParallelism: false }),
    ],
  },
});
