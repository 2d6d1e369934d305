import { describe, expect, it } from 'vitest'
import { addUp, duration, toolTotals, totalsLine, vitestTotals } from './totals.ts'

const report = (counts: object) =>
  JSON.stringify({ numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, ...counts })

describe('totals of one step', () => {
  it('counts a tool as one test', () => {
    expect(toolTotals({ ok: true })).toEqual({ passed: 1, failed: 0, skipped: 0 })
    expect(toolTotals({ ok: false })).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  it('counts the tests of a vitest report, pending and todo as skipped', () => {
    const text = report({ numPassedTests: 7, numFailedTests: 2, numPendingTests: 1, numTodoTests: 3 })
    expect(vitestTotals({ ok: false, report: text })).toEqual({ passed: 7, failed: 2, skipped: 4 })
  })

  it.each([
    ['a file that cannot be loaded', report({ numPassedTests: 5 }), 5],
    ['a report cut short', '{"numPassedTests": 5', 0],
    ['no report at all', undefined, 0],
  ])('never says 0 failed of a run that failed: %s', (_, text, passed) => {
    expect(vitestTotals({ ok: false, ...(text === undefined ? {} : { report: text }) })).toEqual({
      passed,
      failed: 1,
      skipped: 0,
    })
  })
})

describe('the closing line', () => {
  it('adds up', () => {
    const totals = addUp([
      { passed: 1, failed: 0, skipped: 2 },
      { passed: 411, failed: 3, skipped: 0 },
    ])
    expect(totals).toEqual({ passed: 412, failed: 3, skipped: 2 })
    expect(addUp([])).toEqual({ passed: 0, failed: 0, skipped: 0 })
  })

  it.each([
    [{ passed: 412, failed: 0, skipped: 0 }, 'fairway: 412 passed, 0 failed'],
    [{ passed: 412, failed: 0, skipped: 3 }, 'fairway: 412 passed, 0 failed, 3 skipped'],
    [{ passed: 0, failed: 2, skipped: 0 }, 'fairway: 0 passed, 2 failed'],
  ])('%j is %s', (totals, line) => {
    expect(totalsLine(totals)).toBe(line)
  })

  it('writes durations as people read them', () => {
    expect([840, 12_340, 59_940, 125_400].map(duration)).toEqual(['0.8 s', '12.3 s', '59.9 s', '2 min 5 s'])
  })
})
