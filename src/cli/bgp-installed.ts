/** What a cluster without the definitions of BGP is told. */
import type { Finding } from '../model/code.ts'
import { BGP_NOT_INSTALLED } from '../model/codes/bgp-report.ts'

/** `kinds` by the collection that has them; no finding when none is absent. */
export function notInstalled<N extends string>(
  absent: ReadonlySet<unknown>,
  kinds: Readonly<Partial<Record<N, string>>>,
): readonly Finding[] {
  const lacking = Object.entries(kinds).flatMap(([name, kind]) => (absent.has(name) ? [String(kind)] : []))
  if (lacking.length === 0) return []
  const message = `The API server does not know ${lacking.join(' and ')}.`
  return [{ code: BGP_NOT_INSTALLED, subjects: lacking.map((kind) => `kind/${kind}`), message, fix: BGP_NOT_INSTALLED.fix }]
}
