import { type Code, FairwayError } from '../../model/code.ts'
import { CODES } from '../../model/codes/index.ts'
import { USAGE_CODE_UNKNOWN } from '../../model/codes/usage.ts'
import type { Output } from '../terminal.ts'
import { answerAs, table } from '../terminal.ts'

/** `fairway explain [CODE]`: one entry of the registry, by number or name, or a list of all. */
export function explain(wanted: string | undefined, options: { output: Output }): void {
  if (wanted === undefined) {
    const sorted = CODES.toSorted((a, b) => (a.code < b.code ? -1 : 1))
    const rows = sorted.map((one) => [one.code, one.severity, one.title])
    answerAs(options.output, sorted, () => table([['CODE', 'SEVERITY', 'TITLE'], ...rows]))
    return
  }
  const code = findCode(wanted)
  answerAs(
    options.output,
    code,
    () => `${code.code} ${code.name} (${code.severity})\n${code.title}\n\n${code.cause}\nfix: ${code.fix}\n`,
  )
}

function findCode(wanted: string): Code {
  const key = wanted
    .toUpperCase()
    .replace(/^(\d{4})$/, 'FW$1')
    .replaceAll('-', '_')
  const code = CODES.find((one) => one.code === key || one.name === key)
  if (code !== undefined) return code
  throw new FairwayError(USAGE_CODE_UNKNOWN, `There is no code ${JSON.stringify(wanted)}.`, { field: 'CODE' })
}
