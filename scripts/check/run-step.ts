import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Failure, failuresOf } from './failures.ts'
import { reportFile, type Step } from './steps.ts'
import { type Outcome, type Totals, toolTotals, vitestTotals } from './totals.ts'

export interface StepResult {
  readonly step: Step
  readonly ok: boolean
  readonly totals: Totals
  /** What failed, by name: at least one where `ok` is false. */
  readonly failures: readonly Failure[]
  readonly tookInMs: number
}

/**
 * Runs one step from `root`. A vitest step streams as it goes; a tool is heard only if it fails, and then in full.
 * Errors: never rejects; a program that cannot be started is a failed step.
 */
export async function runStep(step: Step, root: string): Promise<StepResult> {
  const report = join(root, reportFile(step))
  mkdirSync(dirname(report), { recursive: true })
  rmSync(report, { force: true }) // an old report must not stand in for a run that wrote none
  const startedAt = performance.now()
  const { ok, output } = await runProgram(step, root)
  if (!ok && output !== '') process.stderr.write(output)
  const outcome: Outcome = { ok, ...(existsSync(report) ? { report: readFileSync(report, 'utf8') } : {}) }
  const totals = step.kind === 'vitest' ? vitestTotals(outcome) : toolTotals(outcome)
  const judged = { ...outcome, step: step.name, ok: ok && totals.failed === 0, output }
  return { step, ok: judged.ok, totals, failures: failuresOf(judged, root), tookInMs: performance.now() - startedAt }
}

function runProgram(step: Step, root: string): Promise<{ readonly ok: boolean; readonly output: string }> {
  const [program = '', ...args] = step.command
  const stdio = step.kind === 'vitest' ? (['ignore', 2, 2] as const) : (['ignore', 'pipe', 'pipe'] as const)
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: [...stdio],
      timeout: step.limitInMs,
    })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => resolve({ ok: false, output: `${step.name}: cannot run ${program}: ${error.message}\n` }))
    child.on('close', (exitCode, signal) => {
      const ended = signal === null ? '' : `${step.name}: ended by ${signal} after at most ${step.limitInMs / 1000} s\n`
      resolve({ ok: exitCode === 0, output: Buffer.concat(chunks).toString() + ended })
    })
  })
}
