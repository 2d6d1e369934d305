import { describe, expect, it } from 'vitest'
import { type Failure, failureLines, failuresOf } from './failures.ts'

const test = (fullName: string, status: string, ...failureMessages: readonly string[]) => ({ fullName, status, failureMessages })
const file = (name: string, status: string, assertionResults: readonly object[], message = '') => ({
  name: `/root/${name}`,
  status,
  message,
  assertionResults,
})
const report = (...testResults: readonly object[]) => JSON.stringify({ testResults })
const failed = (text?: string, output = '') =>
  failuresOf({ step: 'live', ok: false, output, ...(text === undefined ? {} : { report: text }) }, '/root')

const PASSED = file('test/a.test.ts', 'passed', [test('stays', 'passed')])
const BROKEN = file('test/b.test.ts', 'failed', [
  test('goes', 'failed', 'Error: \u001b[31mgone\u001b[39m\n    at /root/test/b.test.ts:3:1'),
  test('stays', 'passed'),
])

describe('what failed in a run', () => {
  it('is each failed test, with its file from the root', () => {
    expect(failed(report(PASSED, BROKEN))).toEqual([
      { step: 'live', file: 'test/b.test.ts', test: 'goes', message: expect.stringContaining('gone') },
    ])
  })

  it('is the file where no test of it did', () => {
    const unloaded = file('test/c.test.ts', 'failed', [test('never ran', 'skipped')], 'the lab did not come up')
    expect(failed(report(unloaded))).toEqual([{ step: 'live', file: 'test/c.test.ts', message: 'the lab did not come up' }])
  })

  it.each([
    ['no report', undefined],
    ['a report cut short', '{"testRes'],
    ['a report of passed tests', report(PASSED)],
  ])('is the step itself, by %s', (_, text) => {
    expect(failed(text)).toEqual([{ step: 'live', message: expect.stringContaining('see its output') }])
  })

  it('is nothing when the run passed', () => {
    expect(failuresOf({ step: 'live', ok: true, output: 'all well', report: report(PASSED) }, '/root')).toEqual([])
  })

  it('is the end of what the step printed, where no report names a test', () => {
    const output = Array.from({ length: 9 }, (_, index) => `line ${index}`).join('\n\n')
    expect(failed(undefined, `${output}\n`)).toEqual([
      { step: 'live', message: 'line 3\nline 4\nline 5\nline 6\nline 7\nline 8' },
    ])
  })
})

describe('its lines', () => {
  const failure = (lines: number, name = 'goes'): Failure => ({
    step: 'live',
    file: 'test/b.test.ts',
    test: name,
    message: Array.from({ length: lines }, (_, index) => `why ${index}`).join('\n'),
  })

  it('are a headline and the message, without colours and without the frames of libraries', () => {
    const message = 'Error: \u001b[31mgone\u001b[39m\n\n    at f (/root/node_modules/x.js:1:1)\n    at /root/test/b.test.ts:3:1'
    expect(failureLines([{ ...failure(0), message }])).toEqual([
      'FAILED live test/b.test.ts > goes',
      '    Error: gone',
      '        at /root/test/b.test.ts:3:1',
    ])
    expect(failureLines([{ step: 'lint', message: 'line' }])).toEqual(['FAILED lint', '    line'])
  })

  it('are six of each message at most, and no wider than some lines of a screen', () => {
    expect(failureLines([failure(20)])).toHaveLength(7)
    expect(failureLines([failure(0, 'x'.repeat(999))])).toEqual([expect.stringMatching(/^FAILED live .{387}…$/)])
  })

  it.each([0, 1, 3, 4, 5, 12, 13, 24, 25, 26, 400])('are 25 in all at most, whatever fails: %i', (count) => {
    const lines = failureLines(Array.from({ length: count }, (_, index) => failure(20, `test ${index}`)))
    expect(lines.length).toBeLessThanOrEqual(25)
    const named = lines.filter((line) => line.startsWith('FAILED')).length
    const more = Number(/^and (\d+) more$/.exec(lines.at(-1) ?? '')?.[1] ?? 0)
    expect(named + more).toBe(count)
  })
})
