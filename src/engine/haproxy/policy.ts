/** What a policy says, as statements of a section. */
import type { L7Policy } from '../../model/l7-policy.ts'
import type { Words } from './syntax.ts'

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function policyLines(_policy: L7Policy): readonly Words[] {
  return []
}
