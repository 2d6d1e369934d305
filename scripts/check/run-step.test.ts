import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runStep } from './run-step.ts'
import type { Step } from './steps.ts'

const root = mkdtempSync(join(tmpdir(), 'fairway-check-'))
afterAll(() => rmSync(root, { recursive: true }))

const step = (kind: Step['kind'], script: string, limitInMs = 20_000): Step => ({
  name: 'a-step',
  kind,
  command: [process.execPath, '-e', script],
  limitInMs,
})
const writeReport = (passed: number) =>
  `require('node:fs').writeFileSync('.cache/check/a-step.json', '{"numPassedTests":${passed}}');`

it('reads the report that this run wrote', async () => {
  expect(await runStep(step('vitest', writeReport(4)), root)).toMatchObject({ ok: true, totals: { passed: 4, failed: 0 } })
})

it('does not take an older report for its own', async () => {
  await runStep(step('vitest', writeReport(4)), root)
  expect(await runStep(step('vitest', 'process.exit(1)'), root)).toMatchObject({
    ok: false,
    totals: { passed: 0, failed: 1 },
    failures: [{ step: 'a-step' }],
  })
})

it('says what a program that failed had to say, and of one that hangs that it was ended', async () => {
  const loud = await runStep(step('tool', 'console.log("one thing is wrong"); process.exit(1)'), root)
  expect(loud.failures).toEqual([{ step: 'a-step', message: 'one thing is wrong' }])
  const hanging = await runStep(step('vitest', 'setInterval(() => 0, 1000)', 300), root)
  expect(hanging.failures).toEqual([{ step: 'a-step', message: 'a-step: ended by SIGTERM after at most 0.3 s' }])
})

it('fails a program that is missing, or that outlives its limit', async () => {
  const missing = { ...step('tool', ''), command: ['no-such-program-anywhere'] }
  expect(await runStep(missing, root)).toMatchObject({ ok: false, totals: { failed: 1 } })
  expect(await runStep(step('tool', 'setInterval(() => 0, 1000)', 300), root)).toMatchObject({ ok: false, totals: { failed: 1 } })
})
