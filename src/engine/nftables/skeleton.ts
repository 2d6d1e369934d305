/**
 * The fixed part of a fairway table: sets, maps and chains that never depend on what is served. What is served is elements.
 *
 * Two registers carry a new flow's way through the chains: `meta priority` its group's id, `meta mark` the index of the
 * backend. Both belong to the flow's first packet only and are put back right behind the translation, before the routing
 * decision; a mark that somebody else had set waits in the map `saved` meanwhile.
 */
import type { Family } from '../../model/world.ts'
import type { ChainObject, Expression, NftFamily, RuleObject, SetObject, Statement, Verdict } from './json.ts'

export const TABLE = 'fairway'
/** Set in every group id, so that a packet of ours is known by its priority register. */
export const ID_OURS = 0x8000_0000
/** Set in the ids of groups whose flows are masqueraded unless they come from a pod of this node. */
export const ID_MASQUERADE = 0x4000_0000
/** Backend indexes begin here, out of the way of the small marks that policy routing likes to match. */
export const INDEX_BASE = 0x2000_0000

const PRIORITY: Expression = { meta: { key: 'priority' } }
const MARK: Expression = { meta: { key: 'mark' } }
const L4: Expression = { meta: { key: 'l4proto' } }
const DPORT: Expression = { payload: { protocol: 'th', field: 'dport' } }
/** A flow between the two hooks that its first packet passes one after the other; nft 1.0 has no registers for whole IPv6 addresses here. */
const FLOW: readonly string[] = ['inet_proto', 'inet_service', 'inet_service']
const flow: readonly Expression[] = [
  L4,
  { ct: { key: 'proto-src', dir: 'original' } },
  { ct: { key: 'proto-dst', dir: 'original' } },
]
const TRANSPORTS = { set: ['tcp', 'udp', 'sctp'] } as const

/** The words of one family. */
export interface Words {
  readonly family: Family
  readonly nft: NftFamily
  readonly address: 'ipv4_addr' | 'ipv6_addr'
  readonly icmp: 'icmp' | 'icmpv6'
}

export const WORDS: Readonly<Record<Family, Words>> = {
  ipv4: { family: 'ipv4', nft: 'ip', address: 'ipv4_addr', icmp: 'icmp' },
  ipv6: { family: 'ipv6', nft: 'ip6', address: 'ipv6_addr', icmp: 'icmpv6' },
}

const match = (left: Expression, right: string | number | typeof TRANSPORTS, op: '==' | '!=' = '=='): Statement => ({
  match: { op, left, right },
})
const ctStatus = (status: string): Statement => ({ match: { op: 'in', left: { ct: { key: 'status' } }, right: status } })
const ctState = (...states: string[]): Statement => {
  const [only = ''] = states
  return { match: { op: 'in', left: { ct: { key: 'state' } }, right: states.length === 1 ? only : states } }
}
const set = (key: Expression, value: Expression | number | string): Statement => ({ mangle: { key, value } })
const go = (target: string): Verdict => ({ goto: { target } })
const lookup = (key: readonly Expression[], data: string): Expression => ({ map: { key: { concat: key }, data } })
const saved = (op: 'update' | 'delete'): Statement => ({ map: { op, elem: { concat: flow }, data: MARK, map: '@saved' } })
const flag = (bit: number): Statement => ({ match: { op: '==', left: { '&': [PRIORITY, classid(bit)] }, right: classid(bit) } })

/** A 32-bit value as nft writes the type classid: `major:minor` in hexadecimal, and `none` for 0. */
export function classid(value: number): string {
  if (value === 0) return 'none'
  return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`
}

/** The sets and maps of a table, without elements. */
export function sets({ nft, address }: Words): readonly SetObject[] {
  const at = { family: nft, table: TABLE }
  return [
    { ...at, name: 'address', type: [address, 'inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'node_port', type: ['inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'host_port', type: ['inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'host_address', type: [address, 'inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'group', type: 'classid', map: 'verdict' },
    { ...at, name: 'backend', type: ['classid', 'mark'], map: `${address} . inet_service` },
    { ...at, name: 'saved', type: FLOW, map: 'mark', size: 65_535, flags: ['timeout', 'dynamic'], timeout: 5 },
    { ...at, name: 'node_address', type: address },
    { ...at, name: 'service_address', type: address },
    { ...at, name: 'local_pod', type: [address, address] },
    { ...at, name: 'local_source', type: address, flags: ['interval'] },
  ]
}

/** The chains of a table, those that others go to first. */
export function chains({ nft }: Words): readonly ChainObject[] {
  const at = { family: nft, table: TABLE }
  const base = (name: string, type: 'nat' | 'filter' | 'route', hook: 'prerouting' | 'output' | 'postrouting', prio: number) => {
    return { ...at, name, type, hook, prio, policy: 'accept' } as const
  }
  return [
    ...['refuse', 'dispatch', 'translate', 'settle', 'masq', 'source', 'returning'].map((name) => ({ ...at, name })),
    base('foreign', 'filter', 'prerouting', -300),
    base('prerouting', 'nat', 'prerouting', -100),
    base('output', 'nat', 'output', -100),
    base('behind_prerouting', 'filter', 'prerouting', -99),
    base('behind_output', 'route', 'output', -99),
    base('postrouting', 'nat', 'postrouting', 90),
  ]
}

/** The rules of the fixed chains, in order. */
export function rules(words: Words): readonly RuleObject[] {
  const { nft } = words
  return Object.entries({ ...translation(words), ...behind(words), ...source(words) }).flatMap(([chain, list]) =>
    list.map((expr) => ({ family: nft, table: TABLE, chain, expr })),
  )
}

type Rules = Readonly<Record<string, readonly (readonly Statement[])[]>>

/** Where a new flow is recognised by its destination, and given to its group. */
function translation({ nft, family, icmp }: Words): Rules {
  const daddr: Expression = { payload: { protocol: nft, field: 'daddr' } }
  const local = match({ fib: { result: 'type', flags: ['daddr'] } }, 'local')
  const notOurs = match(daddr, '@service_address', '!=')
  const loopback = family === 'ipv6' ? [match(daddr, '::1', '!=')] : []
  const port = [L4, DPORT]
  return {
    prerouting: [[{ jump: { target: 'translate' } }]],
    output: [[{ jump: { target: 'translate' } }]],
    translate: [
      [set(PRIORITY, lookup([daddr, ...port], '@address')), go('dispatch')],
      [match(daddr, '@node_address'), set(PRIORITY, lookup(port, '@node_port')), go('dispatch')],
      [local, notOurs, set(PRIORITY, lookup([daddr, ...port], '@host_address')), go('dispatch')],
      [local, ...loopback, notOurs, set(PRIORITY, lookup(port, '@host_port')), go('dispatch')],
    ],
    dispatch: [[match(MARK, 0, '!='), match(L4, TRANSPORTS), saved('update')], [{ vmap: { key: PRIORITY, data: '@group' } }]],
    refuse: [[{ reject: { type: 'tcp reset' } }], [{ reject: { type: icmp, expr: 'port-unreachable' } }]],
  }
}

/** Right behind the translation: registers back, and nothing that is addressed to a Service goes on untranslated. */
function behind({ nft, family }: Words): Rules {
  const saddr: Expression = { payload: { protocol: nft, field: 'saddr' } }
  const daddr: Expression = { payload: { protocol: nft, field: 'daddr' } }
  const settle = [ctState('new'), ctStatus('dnat'), flag(ID_OURS), { jump: { target: 'settle' } }]
  const guard = [ctState('invalid', 'new', 'untracked'), match(daddr, '@service_address'), go('refuse')]
  const loopback = (end: Expression): Statement => ({
    match: { op: '==', left: end, right: { prefix: { addr: '127.0.0.0', len: 8 } } },
  })
  const foreign = (end: Statement): readonly Statement[] => [match({ meta: { key: 'iifname' } }, 'lo', '!='), end, { drop: null }]
  return {
    foreign: family === 'ipv4' ? [foreign(loopback(daddr)), foreign(loopback(saddr))] : [],
    behind_prerouting: [settle, guard],
    behind_output: [settle, guard],
    settle: [
      [set(PRIORITY, classid(0)), set(MARK, 0)],
      [match(L4, TRANSPORTS), set(MARK, lookup(flow, '@saved')), saved('delete')],
    ],
  }
}

/** Where a flow's source is replaced, if its reply would else not come back this way. */
function source({ nft, family }: Words): Rules {
  const saddr: Expression = { payload: { protocol: nft, field: 'saddr' } }
  const daddr: Expression = { payload: { protocol: nft, field: 'daddr' } }
  const wasTo: Expression = { ct: { key: `${nft} daddr`, dir: 'original' } }
  const wasPort: readonly Expression[] = [L4, { ct: { key: 'proto-dst', dir: 'original' } }]
  const loopback = { match: { op: '==', left: saddr, right: { prefix: { addr: '127.0.0.0', len: 8 } } } } as const
  const ours = (found: readonly Statement[], key: readonly Expression[], map: string, to: string): readonly Statement[] => {
    return [ctStatus('dnat'), match(L4, TRANSPORTS), ...found, set(PRIORITY, lookup(key, map)), go(to)]
  }
  const services = (to: string): readonly (readonly Statement[])[] => [
    ours([], [wasTo, ...wasPort], '@address', to),
    ours([match(wasTo, '@node_address')], wasPort, '@node_port', to),
  ]
  const back: Statement = { jump: { target: 'returning' } }
  return {
    postrouting: [
      [match({ meta: { key: 'oifname' } }, 'lo'), { accept: null }],
      [ctStatus('dnat'), match({ concat: [saddr, daddr] }, '@local_pod'), back],
      ...(family === 'ipv4' ? [[ctStatus('dnat'), loopback, back]] : []),
      [match(saddr, '@local_source'), { accept: null }],
      ...services('source'),
    ],
    // others translate, too: a flow is ours by what it was sent to
    returning: [
      ...services('masq'),
      ours([], [wasTo, ...wasPort], '@host_address', 'masq'),
      ours([match(wasTo, '@service_address', '!=')], wasPort, '@host_port', 'masq'),
    ],
    source: [[flag(ID_MASQUERADE), go('masq')], [set(PRIORITY, classid(0))]],
    masq: [[set(PRIORITY, classid(0)), { masquerade: { flags: 'fully-random' } }]],
  }
}

export function spreadChain(size: number): string {
  return size === 0 ? 'refuse' : `spread_${size}`
}

/** The rules of the chain that draws one of `size` backends. */
export function spreadRule({ nft }: Words, size: number): RuleObject {
  const draw = set(MARK, { numgen: { mode: 'random', mod: size, offset: INDEX_BASE } })
  const to: Statement = { dnat: { family: nft, addr: { map: { key: { concat: [PRIORITY, MARK] }, data: '@backend' } } } }
  return { family: nft, table: TABLE, chain: spreadChain(size), expr: [draw, match(L4, TRANSPORTS), to] }
}
