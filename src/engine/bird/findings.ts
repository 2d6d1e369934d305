import type { BgpSession, SessionState } from '../../model/bgp.ts'
import type { Code, Finding } from '../../model/code.ts'
import { BGP_AS_MISMATCH, BGP_PASSWORD_SUSPECT, BGP_PORT_TAKEN, BGP_SESSION_DOWN } from '../../model/codes/bgp.ts'

/**
 * What a person should know about sessions that are not established; closed ones are none of them. `badSignatures`: the kernel dropped
 * segments for their MD5 signature since the last time; it does not say whose, so every session with a password that is not up is suspect.
 */
export function sessionFindings(
  sessions: readonly BgpSession[],
  states: readonly SessionState[],
  badSignatures: boolean,
): readonly Finding[] {
  const byKey = new Map(states.map((state) => [state.key, state]))
  return sessions.flatMap((session) => {
    const state = byKey.get(session.key)
    if (state === undefined || state.phase === 'established' || session.drain === 'closed') return []
    const [code, reason] = reasonOf(session, state, badSignatures)
    const message = `The BGP session ${session.name} with ${session.peerAddress} port ${session.peerPort} is not established: ${reason}.`
    return [{ code, subjects: [session.key], message, fix: code.fix }]
  })
}

function reasonOf(session: BgpSession, state: SessionState, badSignatures: boolean): readonly [Code, string] {
  if (/No listening socket/.test(state.lastError)) return [BGP_PORT_TAKEN, 'another program listens on TCP port 179 of this node']
  if (/Bad peer AS/.test(state.lastError)) return [BGP_AS_MISMATCH, `${state.lastError} (we are ${session.localAs})`]
  if (badSignatures && session.password !== '') return [BGP_PASSWORD_SUSPECT, 'TCP MD5 signatures are wrong or missing']
  return [BGP_SESSION_DOWN, state.lastError || `it is in state ${state.phase}`]
}
