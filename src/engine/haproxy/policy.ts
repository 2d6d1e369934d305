/** What a policy says, as statements of the section of its target, in the order that policies have; and the sections that these name. */
import { FairwayError } from '../../model/code.ts'
import { HAPROXY_ENTRY_INVALID } from '../../model/codes/haproxy.ts'
import type { L7Policy } from '../../model/l7-policy.ts'
import { accessLines, passwordLines, passwordSection, tableSection } from './policy-access.ts'
import { authLines, authSection } from './policy-auth.ts'
import { corsAnswer, corsHeaders } from './policy-cors.ts'
import { editLines } from './policy-edit.ts'
import { serverPolicyLines } from './policy-server.ts'
import type { Words } from './syntax.ts'

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID also for what HAProxy cannot do: such a section must not be there without it */
export function policyLines(policy: L7Policy): readonly Words[] {
  if (policy.backendTls !== undefined) throw missing('certificates of servers cannot be verified')
  return [
    ...corsHeaders(policy),
    ...accessLines(policy),
    ...corsAnswer(policy),
    ...passwordLines(policy),
    ...authLines(policy),
    ...editLines(policy),
    ...serverPolicyLines(policy),
  ]
}

/** Sections that statements of the policy name. Those of two policies that are the same have one name. @throws {FairwayError} */
export function policySections(policy: L7Policy): readonly string[] {
  return [...tableSection(policy), ...passwordSection(policy), ...authSection(policy)]
}

function missing(what: string): FairwayError {
  return new FairwayError(HAPROXY_ENTRY_INVALID, `HAProxy cannot be given this: ${what}.`)
}
