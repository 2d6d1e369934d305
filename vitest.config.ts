import { defineConfig } from 'vitest/config'

/** Live tests that measure times, fill the machine, or look at all of it: nothing else runs beside them. */
const ALONE = [
  ...[
    'address',
    'agent-kill',
    'bench-failover',
    'bgp-failover',
    'bird',
    'host-untouched',
    'kubelet-limits',
    'l2-failover',
    'l2-lease',
    'l2-scale',
    'lab',
    'lab-faults',
    'rollout',
  ],
  ...['seed', 'service-e2e-disruption', 'service-e2e-rollout', 'setup-host'],
].map((name) => `test/live/${name}.test.ts`)

/** What is waited for does come; a busy machine takes its time. */
const PATIENT = { poll: { timeout: 15_000 } }

/** The first line of a failure says what was found: of a long run the report's first lines are all that is seen. */
const TELLING = { chaiConfig: { truncateThreshold: 600 } }

/**
 * `unit` and `scenario` are pure and parallel. Of `live` three files run side by side, each in namespaces of its own; of `alone` and
 * `soak` one at a time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...TELLING,
          name: 'unit',
          isolate: false, // files share what they import, which halves the time: none may leave anything behind
          include: ['src/**/*.test.ts', 'demo/**/*.test.ts', 'scripts/**/*.test.ts', 'test/unit/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          env: { FAIRWAY_LOG: process.env.FAIRWAY_LOG ?? 'silent' },
        },
      },
      { test: { ...TELLING, name: 'scenario', include: ['test/scenario/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          ...TELLING,
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: 3,
          pool: 'forks',
          expect: PATIENT,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...TELLING,
          name: 'alone',
          include: ALONE,
          fileParallelism: false,
          pool: 'forks',
          expect: PATIENT,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...TELLING,
          name: 'soak',
          include: ['test/soak/**/*.test.ts'],
          fileParallelism: false,
          pool: 'forks',
          expect: PATIENT,
          testTimeout: 3_600_000,
          env: { FAIRWAY_LOG: process.env.FAIRWAY_LOG ?? 'silent' },
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
