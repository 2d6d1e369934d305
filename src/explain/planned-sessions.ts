/** Which peers a node is to have sessions with, worked out by the same rules as its agent does. */

import { sessionKey } from '../model/bgp.ts'
import type { BgpConfig, BgpPeer, PeerSecret } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { NO_LOAD_BALANCER_CONFIG } from '../model/load-balancer.ts'
import type { Node, ObjectKey } from '../model/world.ts'
import { planSessions, subjectOf } from '../plan/bgp-session.ts'

type Settings = Pick<BgpConfig, 'peers' | 'bfdProfiles'>

/** The sessions of one node. */
export class PlannedSessions {
  readonly findings: readonly Finding[]
  readonly #keys: ReadonlySet<string>

  constructor(node: Node, { peers, bfdProfiles }: Settings) {
    const none = new Map<string, never>()
    const config: BgpConfig = {
      ...NO_LOAD_BALANCER_CONFIG,
      ...{ peers, bfdProfiles, secrets: unreadSecrets(peers.values()), routeImports: none },
      ...{ communities: none, podRouteAdvertisements: none, namespaces: none },
    }
    const { sessions, findings } = planSessions({ node, config, drain: 'none', kernelTable: 0 })
    this.findings = findings
    this.#keys = new Set(sessions.map(({ key }) => key))
  }

  /** Why there is none with this peer; '' when there is to be one. */
  refusalOf(peer: BgpPeer): string {
    if (this.#keys.has(sessionKey(peer.key))) return ''
    return this.findingsOf(peer)
      .map(({ message }) => message)
      .join(' ')
  }

  findingsOf(peer: BgpPeer): readonly Finding[] {
    return this.findings.filter(({ subjects }) => subjects.includes(subjectOf(peer)))
  }
}

/** Passwords are no business of who shows sessions: each is planned as if its own could be read. Agents say which cannot. */
export function unreadSecrets(peers: Iterable<BgpPeer>): ReadonlyMap<ObjectKey, PeerSecret> {
  const secrets = new Map<ObjectKey, PeerSecret>()
  for (const { password } of peers)
    if (password !== undefined && 'secret' in password)
      secrets.set(password.secret, { key: password.secret, text: 'unread', problem: '' })
  return secrets
}
