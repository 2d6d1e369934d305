import {
  type AcceptedPrefix,
  type BgpRoute,
  type BgpSession,
  type BgpSpeaker,
  type BgpWatch,
  routeKey,
  sessionKey,
  watchKey,
} from '../../src/model/bgp.ts'

export const SPEAKER: BgpSpeaker = { kind: 'speaker', key: 'speaker', routerId: '10.0.0.1', kernelTable: 0 }

/** A quick external session in both families, with nothing special. */
export function session(part: Partial<BgpSession> = {}): BgpSession {
  const name = part.name ?? 'tor'
  return {
    kind: 'session',
    key: sessionKey(name),
    name,
    localAs: 64512,
    peerAs: 64513,
    peerAddress: '192.0.2.2',
    peerPort: 179,
    sourceAddress: '192.0.2.1',
    interface: '',
    holdTimeInS: 9,
    keepaliveInS: 3,
    connectInS: 1,
    hops: 0,
    password: '',
    gracefulRestart: true,
    nextHops: { ipv4: '', ipv6: '2001:db8::1' },
    accept: [],
    drain: 'none',
    ...part,
  }
}

export function accepted(cidr: string, maxLength = Number(cidr.split('/')[1])): AcceptedPrefix {
  return { cidr, maxLength }
}

const TO_ALL = [{ sessions: [], communities: [] }] as const

export function route(prefix: string, announcements: BgpRoute['announcements'] = TO_ALL): BgpRoute {
  return { kind: 'route', key: routeKey(prefix), family: prefix.includes(':') ? 'ipv6' : 'ipv4', prefix, announcements }
}

/** Watches a node by its address, at 50 ms times 3. */
export function watch(node: string, address: string): BgpWatch {
  const bfd = { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false }
  return { kind: 'watch', key: watchKey(node), node, address, bfd }
}
