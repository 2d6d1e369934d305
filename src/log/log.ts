/** Logging: JSON lines on standard error, one shape for every process of the product and the lab. */
import { type Logger, type LoggerOptions, pino } from 'pino'

export type { Logger } from 'pino'

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** The level that FAIRWAY_LOG asks for; `info` when it is unset or no level. */
export function levelOf(text: string | undefined): string {
  const level = (text ?? '').toLowerCase()
  return LEVELS.includes(level) ? level : 'info'
}

/**
 * What a log line says of an error: its coded parts when it has them, the stack only when it has none, since a coded error
 * says where it comes from in its own words, and its cause in the cause's.
 */
export function describeError(error: unknown): unknown {
  return describe(error, true)
}

function describe(error: unknown, withStack: boolean): unknown {
  if (!(error instanceof Error)) return error
  const code: unknown = Reflect.get(error, 'code')
  const coded = typeof code === 'object' && code !== null
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause, withStack && !coded) }
  if (typeof code === 'object' && code !== null && 'code' in code) {
    return {
      code: code.code,
      message: error.message,
      field: Reflect.get(error, 'field'),
      fix: Reflect.get(error, 'fix'),
      ...cause,
    }
  }
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { errno: code } : {}),
    ...(withStack ? { stack: error.stack } : {}),
    ...cause,
  }
}

const options: LoggerOptions = {
  level: levelOf(process.env.FAIRWAY_LOG),
  base: null,
  formatters: { level: (level) => ({ level }) },
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  serializers: { err: describeError, error: describeError },
}

let root: Logger | undefined

/**
 * The log of one area of one process.
 *
 * Shape:  JSON lines `{level, time, area, ...fields, msg}` on standard error, never on standard output; `err` (or `error`)
 *         may be an Error. Writes are synchronous, so that the last words of a dying process are read.
 * Level:  from FAIRWAY_LOG, read at start: trace, debug, info (default), warn, error, fatal, silent.
 */
export function logger(area: string): Logger {
  root ??= pino(options, pino.destination({ dest: 2, sync: true }))
  return root.child({ area })
}
