/** Names what failed, in few lines: of a long run the end is all that some people see. Pure: reports come in as text. */
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Outcome } from './totals.ts'

/** One failed test; or a file, or a whole step, that failed outside its tests. `message` has several lines. */
export interface Failure {
  readonly step: string
  /** From the root of the checkout; absent where no file is known. */
  readonly file?: string
  readonly test?: string
  readonly message: string
}

const LINES_OF_ONE = 6
const LINES_IN_ALL = 25
const COLUMNS = 400

interface FileReport {
  readonly name: string
  readonly status: string
  readonly message: string
  readonly assertionResults: readonly {
    readonly fullName: string
    readonly status: string
    readonly failureMessages: readonly string[]
  }[]
}

/** A step as it ended: `output` is what it printed itself, and why it was ended if it was. */
export interface Ended extends Outcome {
  readonly step: string
  readonly output: string
}

/**
 * What failed in one step that ran from `root`: what its report names, else the step itself with the end of its output, where programs
 * sum up. At least one where the step failed, none where it did not.
 */
export function failuresOf({ step, ok, output, report }: Ended, root: string): readonly Failure[] {
  if (ok) return []
  const named = readFiles(report).flatMap((file) => failuresIn(step, file, root))
  if (named.length > 0) return named
  const end = linesOf(output).slice(-LINES_OF_ONE).join('\n')
  return [{ step, message: end === '' ? 'failed without naming a test: see its output' : end }]
}

function failuresIn(step: string, { name, status, message, assertionResults }: FileReport, root: string): readonly Failure[] {
  const file = relative(root, name)
  const failed = assertionResults
    .filter((one) => one.status === 'failed')
    .map(({ fullName, failureMessages }) => ({ step, file, test: fullName, message: failureMessages.join('\n') }))
  return failed.length > 0 || status !== 'failed' ? failed : [{ step, file, message }]
}

function readFiles(report: string | undefined): readonly FileReport[] {
  try {
    return (JSON.parse(report ?? '{}') as { readonly testResults?: readonly FileReport[] }).testResults ?? []
  } catch {
    return [] // a report cut short
  }
}

/**
 * A headline for each failure and the first lines of its message below it, without colours and without the frames of libraries.
 * Shape: at most 25 lines; of many failures each gets fewer, and past 24 they are counted.
 */
export function failureLines(failures: readonly Failure[]): readonly string[] {
  const named = failures.length > LINES_IN_ALL ? failures.slice(0, LINES_IN_ALL - 1) : failures
  const each = Math.min(LINES_OF_ONE, Math.floor(LINES_IN_ALL / Math.max(1, named.length)) - 1)
  const lines = named.flatMap((failure) => [headline(failure), ...linesOf(failure.message).slice(0, each).map(indented)])
  return named.length < failures.length ? [...lines, `and ${failures.length - named.length} more`] : lines
}

function headline({ step, file, test }: Failure): string {
  return fit(['FAILED', step, ...[file ?? [], test === undefined ? [] : ['>', test]].flat(2)].join(' '))
}

const indented = (line: string): string => fit(`    ${line}`)
const fit = (line: string): string => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line)

function linesOf(text: string): readonly string[] {
  const lines = stripVTControlCharacters(text).split('\n')
  return lines
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^\s+at .*(node_modules|node:|<anonymous>)/.test(line))
}
