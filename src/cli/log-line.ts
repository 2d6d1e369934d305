import { colorsFor } from './terminal.ts'

/**
 * One JSON log line for people: time of day, process, level, area, message, then the other fields as `name=value`.
 * A line that is no JSON is printed as it is.
 */
export function formatLogLine(line: string, process: string, showProcess: boolean): string {
  const prefix = showProcess ? `${process} ` : ''
  const fields = parse(line)
  if (fields === undefined) return `${prefix}${line}`
  const { time, level, area, msg, ...rest } = fields
  const colors = colorsFor(globalThis.process.stdout)
  const word = String(level ?? '')
  const paint = word === 'error' || word === 'fatal' ? colors.red : word === 'warn' ? colors.yellow : colors.dim
  const more = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const clock = String(time ?? '').slice(11, 23)
  return [`${prefix}${clock}`, paint(word.padEnd(5)), `${area ?? ''}:`, String(msg ?? ''), colors.dim(more.join(' '))]
    .join(' ')
    .trimEnd()
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}
