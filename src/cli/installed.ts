/** What a cluster without the definitions that a command needs is told. */
import type { Code, Finding } from '../model/code.ts'

/** `kinds` by the collection that has them; no finding when none is absent. */
export function notInstalled<N extends string>(
  code: Code,
  absent: ReadonlySet<unknown>,
  kinds: Readonly<Partial<Record<N, string>>>,
): readonly Finding[] {
  const lacking = Object.entries(kinds).flatMap(([name, kind]) => (absent.has(name) ? [String(kind)] : []))
  if (lacking.length === 0) return []
  const message = `The API server does not know ${lacking.join(' and ')}.`
  return [{ code, subjects: lacking.map((kind) => `kind/${kind}`), message, fix: code.fix }]
}
