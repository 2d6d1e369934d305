/**
 * The runner behind `make check`, `make test` and `make soak`. Runs every step, also after one that failed, with progress on
 * standard error, which ends with what failed; the one line on standard output is the total. Exit code 0, 1 when anything failed, 2 for a wrong argument.
 */
import { join } from 'node:path'
import { failureLines } from './check/failures.ts'
import { runStep, type StepResult } from './check/run-step.ts'
import { type Mode, stepsOf } from './check/steps.ts'
import { addUp, duration, totalsLine } from './check/totals.ts'

const MODES: readonly string[] = ['check', 'test', 'soak'] satisfies readonly Mode[]
const say = (text: string) => process.stderr.write(`${text}\n`)

async function main(mode: Mode): Promise<boolean> {
  const root = join(import.meta.dirname, '..')
  const steps = stepsOf(mode)
  const results: StepResult[] = []
  for (const [index, step] of steps.entries()) {
    say(`[${index + 1}/${steps.length}] ${step.name}: ${step.command.join(' ')}`)
    const result = await runStep(step, root)
    say(`[${index + 1}/${steps.length}] ${step.name}: ${result.ok ? 'ok' : 'FAILED'}, ${duration(result.tookInMs)}\n`)
    results.push(result)
  }
  const failures = failureLines(results.flatMap((result) => result.failures))
  if (failures.length > 0) say(`${failures.join('\n')}\n`)
  for (const result of results)
    say(`${result.ok ? 'ok    ' : 'FAILED'} ${result.step.name.padEnd(10)} ${duration(result.tookInMs)}`)
  process.stdout.write(`${totalsLine(addUp(results.map((result) => result.totals)))}\n`)
  return results.every((result) => result.ok)
}

process.once('SIGINT', () => process.exit(130)) // steps are in our process group and heard it too
const mode = process.argv[2] ?? 'check'
if (!MODES.includes(mode)) {
  say(`usage: node scripts/check.ts ${MODES.join('|')}`)
  process.exitCode = 2
} else if (!(await main(mode as Mode))) process.exitCode = 1
