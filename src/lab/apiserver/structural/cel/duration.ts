/** Durations of CEL. */
import { Environment } from '@marcbachmann/cel-js'

const parse = new Environment().registerVariable('text', 'string').parse('duration(text)')

/** The CEL value of a duration as Go writes it. @throws what CEL throws, when it is none. */
export function toDuration(text: string): unknown {
  return parse({ text })
}
