/**
 * Why a neighbour may say nothing at all. One that has another password drops our segments without a word, and unless it calls us, too, our
 * kernel never sees a wrong signature: what can be seen is that it is there and does not answer.
 */
import { tryRun } from '../../linux/run.ts'
import type { BgpSession, SessionState } from '../../model/bgp.ts'
import type { Finding } from '../../model/code.ts'
import { BGP_PASSWORD_SUSPECT, BGP_SESSION_DOWN } from '../../model/codes/bgp.ts'

/** Whether an address on a link of this node answers there; undefined when it is on none. */
export type IsThere = (address: string) => Promise<boolean | undefined>

const ASKED_EVERY_IN_MS = 10_000

export class Silence {
  private readonly isThere: IsThere
  private readonly known = new Map<string, { readonly there: boolean; readonly atInMs: number }>()

  constructor(isThere: IsThere = answersOnLink) {
    this.isThere = isThere
  }

  /** Puts a suspicion in the place of findings that only say that a session with a password is down, where the neighbour is there. */
  explain(
    found: readonly Finding[],
    sessions: readonly BgpSession[],
    states: readonly SessionState[],
    nowInMs: number,
  ): Promise<readonly Finding[]> {
    return Promise.all(
      found.map(async (finding) => {
        const session = sessions.find(({ key }) => finding.subjects.includes(key))
        const state = states.find(({ key }) => key === session?.key)
        if (finding.code !== BGP_SESSION_DOWN || session === undefined || state === undefined) return finding
        const isSilent = session.password !== '' && state.lastError === '' && ['connect', 'active'].includes(state.phase)
        if (!isSilent || !(await this.look(session.peerAddress, nowInMs))) return finding
        const { name, peerAddress, peerPort } = session
        const message = `The BGP session ${name} with ${peerAddress} port ${peerPort} is not established: the neighbour is there, but does not answer. One that has another password, or none, drops our segments without a word; so does a filter of that port.`
        return { ...finding, code: BGP_PASSWORD_SUSPECT, message, fix: BGP_PASSWORD_SUSPECT.fix }
      }),
    )
  }

  private async look(address: string, nowInMs: number): Promise<boolean> {
    const known = this.known.get(address)
    if (known !== undefined && nowInMs - known.atInMs < ASKED_EVERY_IN_MS) return known.there
    const there = (await this.isThere(address)) === true
    this.known.set(address, { there, atInMs: nowInMs })
    return there
  }
}

/** Our own tries to connect keep the kernel asking: an address that is gone becomes FAILED within seconds. Source: ip-neighbour(8). */
async function answersOnLink(address: string): Promise<boolean | undefined> {
  const { exitCode, stdout } = await tryRun(['ip', '-j', 'neigh', 'show', 'to', address.replace(/%.*/, '')])
  if (exitCode !== 0 || stdout.trim() === '') return undefined
  const [entry] = JSON.parse(stdout) as readonly { readonly state?: readonly string[] }[]
  return entry?.state?.some((state) => ['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT'].includes(state))
}
