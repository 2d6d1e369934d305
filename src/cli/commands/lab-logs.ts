import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs'
import { logFile, readTail } from '../../lab/log-files.ts'
import { labPaths } from '../../lab/state.ts'
import { requireLab } from '../../lab/status.ts'
import { processNames } from '../../lab/supervisor/specs.ts'
import { FairwayError } from '../../model/code.ts'
import { LAB_PROCESS_UNKNOWN } from '../../model/codes/lab.ts'
import { formatLogLine } from '../log-line.ts'
import type { Output } from '../terminal.ts'
import { answer } from '../terminal.ts'

interface LogsOptions {
  readonly name: string
  readonly follow?: boolean
  readonly tail: number
  readonly output: Output
}

/** `fairway lab logs [PROCESS]`: of one process, or of all in the order of time; `-o json` prints the lines as they are. */
export async function labLogs(process: string | undefined, options: LogsOptions): Promise<void> {
  const state = requireLab(options.name)
  const known = processNames(state)
  if (process !== undefined && !known.includes(process)) {
    throw new FairwayError(LAB_PROCESS_UNKNOWN, `The lab has no process ${JSON.stringify(process)}.`, {
      field: 'PROCESS',
      fix: `Use one of: ${known.join(', ')}.`,
    })
  }
  const names = process === undefined ? known : [process]
  const tails = names.map((name) => ({ name, ...readTail(logFile(options.name, name), options.tail) }))
  const lines = tails.flatMap((tail) => withTimes(tail.name, tail.lines))
  const width = process === undefined ? Math.max(...names.map((name) => name.length)) : 0
  const print = (name: string, line: string) =>
    answer(options.output === 'json' ? line : formatLogLine(line, name.padEnd(width), width > 0))
  for (const { name, line } of lines.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))) print(name, line)
  if (options.follow) await follow(options.name, new Map(tails.map(({ name, end }) => [name, end])), print)
}

/** Prints what is added to the logs, for ever. */
function follow(lab: string, ends: Map<string, number>, print: (name: string, line: string) => void): Promise<never> {
  const more = () => {
    for (const [name, end] of ends)
      ends.set(
        name,
        printFrom(logFile(lab, name), end, (line) => print(name, line)),
      )
  }
  watch(labPaths(lab).log, more)
  more()
  return new Promise(() => undefined)
}

/** Prints the whole lines after `start`, and returns where the next begins. A log that was put aside begins anew. */
function printFrom(path: string, start: number, print: (line: string) => void): number {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return 0
  }
  try {
    const { size } = fstatSync(fd)
    const from = size < start ? 0 : start
    const buffer = Buffer.alloc(size - from)
    readSync(fd, buffer, 0, buffer.length, from)
    const end = buffer.lastIndexOf('\n') + 1
    if (end > 0)
      for (const line of buffer
        .subarray(0, end - 1)
        .toString()
        .split('\n'))
        print(line)
    return from + end
  } finally {
    closeSync(fd)
  }
}

/** Lines without a time (the last words of a crash) keep their place behind the line that they followed. */
function withTimes(
  name: string,
  lines: readonly string[],
): readonly { readonly name: string; readonly line: string; readonly time: string }[] {
  let time = ''
  return lines.map((line) => {
    time = timeOf(line) || time
    return { name, line, time }
  })
}

function timeOf(line: string): string {
  return /"time":"([^"]+)"/.exec(line)?.[1] ?? ''
}
