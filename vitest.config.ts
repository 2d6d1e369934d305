import { defineConfig } from 'vitest/config'

/** Four projects: `unit` and `scenario` are pure and parallel; `live` and `soak` make namespaces, so one file runs at a time. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'demo/**/*.test.ts', 'scripts/**/*.test.ts', 'test/unit/**/*.test.ts'],
          testTimeout: 20_000,
          env: { FAIRWAY_LOG: process.env.FAIRWAY_LOG ?? 'silent' },
        },
      },
      { test: { name: 'scenario', include: ['test/scenario/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          fileParallelism: false,
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'soak',
          include: ['test/soak/**/*.test.ts'],
          fileParallelism: false,
          pool: 'forks',
          testTimeout: 3_600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
