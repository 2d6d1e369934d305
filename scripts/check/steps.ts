/** What `make check`, `make test` and `make soak` run, in order. */

export type Mode = 'check' | 'test' | 'soak'

/**
 * One step. A `vitest` step counts the tests of its report; any other counts as one test.
 *
 * Shape: `command` is run from the root of the checkout; `limitInMs` ends a step that hangs.
 */
export interface Step {
  readonly name: string
  readonly kind: 'tool' | 'vitest'
  readonly command: readonly string[]
  readonly limitInMs: number
}

const MINUTE_IN_MS = 60_000

/** The file to which a vitest step writes its JSON report. */
export function reportFile(step: Pick<Step, 'name'>): string {
  return `.cache/check/${step.name}.json`
}

function tool(name: string, ...command: readonly string[]): Step {
  return { name, kind: 'tool', command, limitInMs: 3 * MINUTE_IN_MS }
}

function vitest(name: string, minutes: number): Step {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile({ name })}`]
  return {
    name,
    kind: 'vitest',
    command: ['vitest', 'run', '--project', name, ...reporters],
    limitInMs: minutes * MINUTE_IN_MS,
  }
}

const QUICK: readonly Step[] = [
  tool('lint', 'biome', 'ci', '--colors=off', '--diagnostic-level=warn', '.'),
  tool('types', 'node', 'node_modules/@typescript/native/bin/tsc', '-p', '.'),
  tool('layers', 'depcruise', 'src', '--config', '.dependency-cruiser.mjs'),
  tool('unused', 'knip'),
  vitest('unit', 5),
  vitest('scenario', 5),
]

/** The steps of one mode. `test` is all of `check`, then the live ones; `soak` is what takes long, and no more. */
export function stepsOf(mode: Mode): readonly Step[] {
  if (mode === 'soak') return [vitest('soak', 120)]
  return mode === 'check' ? QUICK : [...QUICK, vitest('live', 15), vitest('alone', 15)]
}
