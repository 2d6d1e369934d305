/** Adds up what the steps of a check found. Pure: reports come in as text. */

export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What one step came to: `report` is vitest's JSON report, absent for other tools or when none was written. */
export interface Outcome {
  readonly ok: boolean
  readonly report?: string
}

const NOTHING: Totals = { passed: 0, failed: 0, skipped: 0 }

/** A step that is no vitest run: one test. */
export function toolTotals(outcome: Outcome): Totals {
  return outcome.ok ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 }
}

/**
 * The tests of one vitest run.
 *
 * A run that failed without a failed test (a file that could not be loaded, an error outside tests, no report, no tests
 * at all) counts one failure more, so that the totals never say 0 failed when something did.
 */
export function vitestTotals(outcome: Outcome): Totals {
  const counted = outcome.report === undefined ? NOTHING : readReport(outcome.report)
  const silent = !outcome.ok && counted.failed === 0
  return silent ? { ...counted, failed: 1 } : counted
}

function readReport(text: string): Totals {
  try {
    const report = JSON.parse(text) as Readonly<Record<string, unknown>>
    const count = (field: string) => (typeof report[field] === 'number' ? report[field] : 0)
    return {
      passed: count('numPassedTests'),
      failed: count('numFailedTests'),
      skipped: count('numPendingTests') + count('numTodoTests'),
    }
  } catch {
    return NOTHING // a report cut short: the exit code decides
  }
}

/** The sum of any number of totals. */
export function addUp(all: readonly Totals[]): Totals {
  return all.reduce(
    (sum, one) => ({ passed: sum.passed + one.passed, failed: sum.failed + one.failed, skipped: sum.skipped + one.skipped }),
    NOTHING,
  )
}

/** The closing line: `fairway: 412 passed, 0 failed`, and `, 3 skipped` if any were. */
export function totalsLine(totals: Totals): string {
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
  return `fairway: ${totals.passed} passed, ${totals.failed} failed${skipped}`
}

/** A duration as people read it: `0.8 s`, `12.3 s`, `2 min 5 s`. */
export function duration(inMs: number): string {
  if (inMs < 60_000) return `${(inMs / 1000).toFixed(1)} s`
  const seconds = Math.round(inMs / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
