/** The logs of a lab's processes. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { labPaths } from './state.ts'

const TAIL_IN_BYTES = 256 << 10
const TRACE_IN_LINES = 40

/** The log of one process of a lab. */
export function logFile(lab: string, process: string): string {
  return join(labPaths(lab).log, `${process}.log`)
}

/** Shape: whole lines, oldest first; `end` is where a follower goes on, in bytes. No log is an empty one. */
export interface Tail {
  readonly lines: readonly string[]
  readonly end: number
}

/** The last lines of a log, as many as fit in 256 KiB. */
export function readTail(path: string, lines: number): Tail {
  if (!existsSync(path)) return { lines: [], end: 0 }
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    const buffer = Buffer.alloc(Math.min(size, TAIL_IN_BYTES))
    readSync(fd, buffer, 0, buffer.length, size - buffer.length)
    const all = buffer.toString().split('\n')
    const whole = size > buffer.length ? all.slice(1) : all
    const unfinished = whole.pop() ?? ''
    return { lines: lines === 0 ? [] : whole.slice(-lines), end: size - Buffer.byteLength(unfinished) }
  } finally {
    closeSync(fd)
  }
}

/** What a process said last, for an error message: the messages of its last few lines, or what Node says that it died of. */
export function lastLines(lab: string, process: string): string {
  return lastWords(readTail(logFile(lab, process), TRACE_IN_LINES).lines)
}

/** A trace of Node's has the error in its middle, behind the code and before the stack. */
export function lastWords(lines: readonly string[]): string {
  const trace = lines.slice(lines.findLastIndex((line) => line.startsWith('{"')) + 1)
  const cause = trace.findLast((line) => /^(\w*Error\b|\w+ \[ERR_\w+\])[^:]*: /.test(line))
  if (cause !== undefined) return cause
  return lines.length === 0 ? 'it said nothing.' : lines.slice(-3).map(messageOf).join(' / ')
}

function messageOf(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } }
    return [msg, err?.message].filter(Boolean).join(': ') || line
  } catch {
    return line.trim()
  }
}
