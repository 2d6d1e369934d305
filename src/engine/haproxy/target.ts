/** Where a rule sends requests: servers of one or more backends by weight, under one policy. One section of HAProxy's. */
import { isIP } from 'node:net'
import type { Backend, L7Action, L7Rule } from '../../model/l7.ts'
import type { L7Policy } from '../../model/l7-policy.ts'
import { endpoint, nameFor, phrase, type Words } from './syntax.ts'

/** HAProxy's highest weight. */
const HEAVIEST = 256

export interface TargetServer {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly protocol: Backend['protocol']
  readonly proxyProtocol?: Backend['proxyProtocol']
  /** 1 to 256. */
  readonly weight: number
}

export interface Target {
  /** The same for rules that ask for the same. */
  readonly key: string
  /** Keys of backends, each once, and their weights, which are not 0. */
  readonly backends: ReadonlyMap<string, number>
  readonly policy: L7Policy
  /** Whether TLS goes through: bytes, not requests. */
  readonly isTls: boolean
  /** What the gateway itself answers; absent: servers do. */
  readonly answer?: Exclude<L7Action, { kind: 'forward' }>
}

/** Undefined: there is nobody to send to. `isTls`: whether the rule is one of `tls` listeners. */
export function targetOf({ action, policy }: L7Rule, isTls: boolean): Target | undefined {
  if (action.kind !== 'forward')
    return { key: JSON.stringify([action, policy]), backends: new Map(), policy, isTls, answer: action }
  const backends = new Map<string, number>()
  for (const { backend, weight } of action.backends) if (weight > 0) backends.set(backend, (backends.get(backend) ?? 0) + weight)
  if (backends.size === 0) return undefined
  const all = [...backends].sort(([one], [other]) => (one < other ? -1 : 1))
  const [[only = ''] = []] = all
  const isPlain = all.length === 1 && isEmptyPolicy(policy) && !isTls && /^[!-~]+$/.test(only)
  const key = isPlain ? only : JSON.stringify(isTls ? [all, policy, 'tls'] : [all, policy])
  return { key, backends: all.length === 1 ? new Map([[only, 1]]) : backends, policy, isTls }
}

function isEmptyPolicy(policy: L7Policy): boolean {
  return Object.keys(policy).length === 0
}

/** Sorted by name. Each backend's weight is shared among its servers. */
export function serversOf({ backends }: Target, backendOf: (key: string) => Backend | undefined): readonly TargetServer[] {
  const shares = new Map<string, Omit<TargetServer, 'weight'> & { share: number }>()
  for (const [key, weight] of backends) {
    const { servers = [], protocol = 'http', proxyProtocol } = backendOf(key) ?? {}
    const sent = proxyProtocol === undefined ? {} : { proxyProtocol }
    for (const { address, port } of servers) {
      const name = nameFor('srv', [protocol, address, port, ...Object.values(sent)].join(' ')).text
      const share = (shares.get(name)?.share ?? 0) + (backends.size === 1 ? 1 : weight / servers.length)
      shares.set(name, { name, address, port, protocol, ...sent, share })
    }
  }
  const most = Math.max(...[...shares.values()].map(({ share }) => share))
  const scaled = [...shares.values()].map(({ share, ...server }) => {
    const weight = backends.size === 1 ? 1 : Math.max(1, Math.round((share / most) * HEAVIEST))
    return { ...server, weight }
  })
  return scaled.sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** What is said of a server whose address is looked up: it begins with the one that it had last, if it had any. */
export const NAMED: Words = phrase`resolvers cluster init-addr last,none`

/** Whether a runtime can be told of such a server: a name is looked up by what was configured alone. */
export function isAddress({ address }: Pick<TargetServer, 'address'>): boolean {
  return isIP(address) !== 0
}

const PROTOCOLS: Readonly<Record<Backend['protocol'], Words>> = {
  http: phrase``,
  h2c: phrase` proto h2`,
  https: phrase` ssl verify none alpn http/1.1`,
  h2: phrase` ssl verify none alpn h2`,
}

const PROXY_PROTOCOLS = { v1: phrase` send-proxy`, v2: phrase` send-proxy-v2` }

/** Address and what else `server` and `add server` take. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function serverWords({ address, port, protocol, proxyProtocol, weight }: TargetServer): Words {
  const proxy = proxyProtocol === undefined ? phrase`` : PROXY_PROTOCOLS[proxyProtocol]
  return phrase`${endpoint(address, port)} weight ${weight}${PROTOCOLS[protocol]}${proxy}`
}
