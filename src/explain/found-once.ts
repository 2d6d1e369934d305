import type { Finding } from '../model/code.ts'
import { byNames } from './order.ts'

/** Each finding once, sorted: every node finds what is true of an object for all of them. */
export function foundOnce(findings: readonly Finding[]): readonly Finding[] {
  const identity = ({ code, subjects, message }: Finding) => JSON.stringify([code.code, subjects, message])
  return [...new Map(findings.map((finding) => [identity(finding), finding])).values()].toSorted(
    byNames(({ code, subjects, message }) => [code.code, ...subjects, message]),
  )
}
