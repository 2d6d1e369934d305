import type { BgpSession, SessionState } from '../../model/bgp.ts'
import type { Code, Finding } from '../../model/code.ts'
import {
  BGP_AS_MISMATCH,
  BGP_PASSWORD_SUSPECT,
  BGP_PORT_TAKEN,
  BGP_SESSION_DOWN,
  BGP_SESSION_FLAPS,
  BGP_SESSION_REFUSED,
} from '../../model/codes/bgp.ts'
import type { Flaps, SignatureDoubts } from './symptoms.ts'

/**
 * What a person should know about sessions that are not established; closed ones are none of them. The kernel does not say whose
 * segments it dropped for their MD5 signature, so every session that is not up and that it may be about is suspect.
 */
export function sessionFindings(
  sessions: readonly BgpSession[],
  states: readonly SessionState[],
  seen: { readonly doubts: SignatureDoubts; readonly flaps: ReadonlyMap<string, Flaps> },
): readonly Finding[] {
  const byKey = new Map(states.map((state) => [state.key, state]))
  return sessions.flatMap((session) => {
    const state = byKey.get(session.key)
    if (state === undefined || session.drain === 'closed') return []
    const which = `The BGP session ${session.name} with ${session.peerAddress} port ${session.peerPort}`
    const flaps = seen.flaps.get(session.key)
    if (state.phase === 'established') {
      return flaps === undefined
        ? []
        : [finding(BGP_SESSION_FLAPS, session, `${which} came up ${flaps.count} times in a minute${told(flaps)}.`)]
    }
    const [code, reason] = reasonOf(session, state, seen.doubts)
    return [finding(code, session, `${which} is not established: ${reason}.`)]
  })
}

function told({ lastError }: Flaps): string {
  return lastError === '' ? '' : `; it was last closed with "${lastError}"`
}

function finding(code: Code, { key }: BgpSession, message: string): Finding {
  return { code, subjects: [key], message, fix: code.fix }
}

function reasonOf(session: BgpSession, state: SessionState, doubts: SignatureDoubts): readonly [Code, string] {
  if (/No listening socket/.test(state.lastError)) return [BGP_PORT_TAKEN, 'another program listens on TCP port 179 of this node']
  if (/Bad peer AS/.test(state.lastError)) return [BGP_AS_MISMATCH, `${state.lastError} (we are ${session.localAs})`]
  const signature = signatureReason(session, doubts)
  const received = /^Received: (.*)/.exec(state.lastError)?.[1]
  if (received !== undefined) {
    return [
      BGP_SESSION_REFUSED,
      `the neighbour says "${received}"${signature === '' ? '' : `; and of some session, ${signature}`}`,
    ]
  }
  if (signature !== '') return [BGP_PASSWORD_SUSPECT, signature]
  return [BGP_SESSION_DOWN, state.lastError || `it is in state ${state.phase}`]
}

function signatureReason({ password }: BgpSession, { wrong, missing, unexpected }: SignatureDoubts): string {
  if (password === '') return unexpected ? 'somebody signs, and there is no password here' : ''
  if (wrong) return 'TCP MD5 signatures are wrong'
  return missing ? 'somebody does not sign, and there is a password here' : ''
}
