/**
 * The fixed part of a fairway table: sets, maps and chains that never depend on what is served. What is served is elements.
 *
 * Two registers carry a new flow's way through the chains: `meta priority` its group's id, `meta mark` the index of the
 * backend. Both belong to the flow's first packet only and are put back right behind the translation, before the routing
 * decision; a mark that somebody else had set waits in the map `saved` meanwhile.
 */
import type { Family } from '../../model/world.ts'
import type { ChainObject, Expression, RuleObject, SetObject, Statement } from './json.ts'
import {
  classid,
  clientOf,
  DNAT_TRANSPORTS,
  go,
  ID_MASQUERADE,
  ID_OURS,
  L4,
  lookup,
  MARK,
  PRIORITY,
  set,
  TABLE,
  WORDS,
  type Words,
} from './words.ts'

const DPORT: Expression = { payload: { protocol: 'th', field: 'dport' } }
/** A flow between the two hooks that its first packet passes one after the other; nft 1.0 has no registers for whole IPv6 addresses here. */
const FLOW: readonly string[] = ['inet_proto', 'inet_service', 'inet_service']
const flow: readonly Expression[] = [
  L4,
  { ct: { key: 'proto-src', dir: 'original' } },
  { ct: { key: 'proto-dst', dir: 'original' } },
]
/** Clients that are remembered at once, of all Services with affinity together. */
const CLIENTS = 262_144

const match = (left: Expression, right: string | number, op: '==' | '!=' = '=='): Statement => ({ match: { op, left, right } })
const isLocal = (end: 'saddr' | 'daddr'): Statement => match({ fib: { result: 'type', flags: [end] } }, 'local')
const ctStatus = (status: string): Statement => ({ match: { op: 'in', left: { ct: { key: 'status' } }, right: status } })
const ctState = (...states: string[]): Statement => {
  const [only = ''] = states
  return { match: { op: 'in', left: { ct: { key: 'state' } }, right: states.length === 1 ? only : states } }
}
const saved = (op: 'update' | 'delete'): Statement => ({ map: { op, elem: { concat: flow }, data: MARK, map: '@saved' } })
const flag = (bit: number): Statement => ({ match: { op: '==', left: { '&': [PRIORITY, classid(bit)] }, right: classid(bit) } })

const outside = (words: Words, addr: string, len: number): Statement => {
  return { match: { op: '!=', left: words.daddr, right: { prefix: { addr, len } } } }
}
/** What no `node-range` makes answer nodePorts. */
const NEVER_NODE: Readonly<Record<Family, readonly Statement[]>> = {
  ipv4: [outside(WORDS.ipv4, '127.0.0.0', 8)],
  ipv6: [match(WORDS.ipv6.daddr, '::1', '!='), outside(WORDS.ipv6, 'fe80::', 10)],
}

/** The sets and maps of a table, without elements. */
export function sets(words: Words): readonly SetObject[] {
  const { nft, address } = words
  const at = { family: nft, table: TABLE }
  return [
    { ...at, name: 'address', type: [address, 'inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'address_inside', type: [address, 'inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'node_port', type: ['inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'node_port_inside', type: ['inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'host_port', type: ['inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'host_address', type: [address, 'inet_proto', 'inet_service'], map: 'classid' },
    { ...at, name: 'group', type: 'classid', map: 'verdict' },
    { ...at, name: 'backend', type: ['classid', 'mark'], map: `${address} . inet_service` },
    { ...at, name: 'endpoint', type: ['classid', 'mark'], map: 'mark' },
    {
      ...at,
      name: 'affinity',
      type: [clientOf(words).type, 'classid'],
      map: 'mark',
      size: CLIENTS,
      flags: ['timeout', 'dynamic'],
    },
    { ...at, name: 'source_range', type: ['classid', address], flags: ['interval'] },
    { ...at, name: 'saved', type: FLOW, map: 'mark', size: 65_535, flags: ['timeout', 'dynamic'], timeout: 5 },
    { ...at, name: 'node_address', type: address },
    { ...at, name: 'node_range', type: address, flags: ['interval'] },
    { ...at, name: 'node_seen', type: address, size: 65_535, flags: ['timeout', 'dynamic'], timeout: 5 },
    { ...at, name: 'service_address', type: address },
    { ...at, name: 'local_pod', type: [address, address] },
    { ...at, name: 'local_source', type: address, flags: ['interval'] },
    { ...at, name: 'service_range', type: address, flags: ['interval'] },
    { ...at, name: 'keep_source', type: address, flags: ['interval'] },
  ]
}

/** The chains of a table, those that others go to first. */
export function chains({ nft }: Words): readonly ChainObject[] {
  const at = { family: nft, table: TABLE }
  const base = (name: string, type: 'nat' | 'filter' | 'route', hook: NonNullable<ChainObject['hook']>, prio: number) => {
    return { ...at, name, type, hook, prio, policy: 'accept' } as const
  }
  return [
    ...['refuse', 'discard', 'dispatch', 'inside', 'translate', 'settle', 'masq', 'source', 'returning'].map((name) => ({
      ...at,
      name,
    })),
    base('foreign', 'filter', 'prerouting', -300),
    base('prerouting', 'nat', 'prerouting', -100),
    base('output', 'nat', 'output', -100),
    base('behind_prerouting', 'filter', 'prerouting', -99),
    base('behind_output', 'route', 'output', -99),
    base('invalid', 'filter', 'forward', 0),
    base('stray_resets', 'filter', 'output', 0),
    base('postrouting', 'nat', 'postrouting', 90),
  ]
}

/** The rules of the fixed chains, in order. */
export function rules(words: Words): readonly RuleObject[] {
  const { nft } = words
  return Object.entries({ ...translation(words), ...behind(words), ...invalid(words), ...source(words) }).flatMap(
    ([chain, list]) => list.map((expr) => ({ family: nft, table: TABLE, chain, expr })),
  )
}

type Rules = Readonly<Record<string, readonly (readonly Statement[])[]>>

/** Where a new flow is recognised by its destination, and given to its group. This node and its pods look into their own maps first. */
function translation({ family, icmp, saddr, daddr }: Words): Rules {
  const local = isLocal('daddr')
  const notOurs = match(daddr, '@service_address', '!=')
  const loopback = family === 'ipv6' ? [match(daddr, '::1', '!=')] : []
  const port = [L4, DPORT]
  // behind the translation nobody can ask the kernel any more whether the flow was sent to this node: it is noted here
  const seen: Statement = { set: { op: 'update', elem: daddr, set: '@node_seen' } }
  const inRange = (map: string): readonly Statement[] => {
    return [
      match(daddr, '@node_range'),
      local,
      ...NEVER_NODE[family],
      notOurs,
      set(PRIORITY, lookup(port, map)),
      seen,
      go('dispatch'),
    ]
  }
  const inside: Statement = { jump: { target: 'inside' } }
  const translate: Statement = { jump: { target: 'translate' } }
  return {
    prerouting: [[match(saddr, '@local_source'), inside], [translate]],
    output: [[inside], [translate]],
    inside: [
      [set(PRIORITY, lookup([daddr, ...port], '@address_inside')), go('dispatch')],
      [match(daddr, '@node_address'), set(PRIORITY, lookup(port, '@node_port_inside')), go('dispatch')],
      inRange('@node_port_inside'),
    ],
    translate: [
      [set(PRIORITY, lookup([daddr, ...port], '@address')), go('dispatch')],
      [match(daddr, '@node_address'), set(PRIORITY, lookup(port, '@node_port')), go('dispatch')],
      inRange('@node_port'),
      [local, notOurs, set(PRIORITY, lookup([daddr, ...port], '@host_address')), go('dispatch')],
      [local, ...loopback, notOurs, set(PRIORITY, lookup(port, '@host_port')), go('dispatch')],
    ],
    // a flow of the same ports that was dropped on its way may have left a mark, which is not this one's
    dispatch: [
      [DNAT_TRANSPORTS, saved('delete')],
      [match(MARK, 0, '!='), DNAT_TRANSPORTS, saved('update')],
      [{ vmap: { key: PRIORITY, data: '@group' } }],
    ],
    refuse: [[{ reject: { type: 'tcp reset' } }], [{ reject: { type: icmp, expr: 'port-unreachable' } }]],
    discard: [[{ drop: null }]],
  }
}

/** Right behind the translation: registers back, and nothing that is addressed to a Service goes on untranslated. */
function behind({ family, saddr, daddr }: Words): Rules {
  const known = [ctState('established', 'related'), { accept: null }]
  const settle = [ctState('new'), ctStatus('dnat'), flag(ID_OURS), { jump: { target: 'settle' } }]
  const guard = ['@service_address', '@service_range'].map((ours) => [
    ctState('invalid', 'new', 'untracked'),
    match(daddr, ours),
    go('refuse'),
  ])
  // neighbour discovery, which is never tracked: who announces a Service's address on its subnet is asked for that address there
  const discovery = family === 'ipv6' ? [[ctState('untracked'), match(L4, 'ipv6-icmp'), { accept: null }]] : []
  const loopback = (end: Expression): Statement => ({
    match: { op: '==', left: end, right: { prefix: { addr: '127.0.0.0', len: 8 } } },
  })
  // every packet comes here: what nearly none has is asked first
  const foreign = (end: Statement): readonly Statement[] => [end, match({ meta: { key: 'iifname' } }, 'lo', '!='), { drop: null }]
  return {
    foreign: family === 'ipv4' ? [foreign(loopback(daddr)), foreign(loopback(saddr))] : [],
    behind_prerouting: [known, settle, ...discovery, ...guard],
    behind_output: [known, settle, ...discovery, ...guard],
    settle: [
      [set(PRIORITY, classid(0)), set(MARK, 0)],
      [DNAT_TRANSPORTS, set(MARK, lookup(flow, '@saved')), saved('delete')],
    ],
  }
}

/**
 * A packet that belongs to no flow, from or to a pod of this node, whose flows pass here both ways: untranslated it would come from a
 * stranger, who sends a reset. Elsewhere it may be one half of a flow whose other half takes another way. Where the stranger is this
 * node itself, since it masqueraded the flow, the packet may be for a socket of its own: only the reset is kept back.
 */
function invalid({ saddr, daddr }: Words): Rules {
  const stray = (end: Expression, ...more: readonly Statement[]): readonly Statement[] => {
    return [ctState('invalid'), match(end, '@local_source'), ...more, { drop: null }]
  }
  const reset: Statement = { match: { op: 'in', left: { payload: { protocol: 'tcp', field: 'flags' } }, right: 'rst' } }
  return { invalid: [stray(saddr), stray(daddr)], stray_resets: [stray(daddr, reset)] }
}

/** Where a flow's source is replaced, if its reply would else not come back this way. */
function source({ nft, family, saddr, daddr }: Words): Rules {
  const wasTo: Expression = { ct: { key: `${nft} daddr`, dir: 'original' } }
  const wasPort: readonly Expression[] = [L4, { ct: { key: 'proto-dst', dir: 'original' } }]
  const loopback = { match: { op: '==', left: saddr, right: { prefix: { addr: '127.0.0.0', len: 8 } } } } as const
  const ours = (found: readonly Statement[], key: readonly Expression[], map: string, to: string): readonly Statement[] => {
    return [ctStatus('dnat'), DNAT_TRANSPORTS, ...found, set(PRIORITY, lookup(key, map)), go(to)]
  }
  const fromNode = isLocal('saddr')
  const own = (found: readonly Statement[], key: readonly Expression[], map: string): readonly Statement[] => {
    return [ctStatus('dnat'), DNAT_TRANSPORTS, ...found, set(PRIORITY, lookup(key, map)), fromNode, go('source')]
  }
  const services = (to: string): readonly (readonly Statement[])[] => [
    ours([], [wasTo, ...wasPort], '@address', to),
    ours([match(wasTo, '@node_address')], wasPort, '@node_port', to),
    ours([match(wasTo, '@node_seen')], wasPort, '@node_port', to),
  ]
  const back: Statement = { jump: { target: 'returning' } }
  return {
    postrouting: [
      [match({ meta: { key: 'oifname' } }, 'lo'), { accept: null }],
      [ctStatus('dnat'), match({ concat: [saddr, daddr] }, '@local_pod'), back],
      ...(family === 'ipv4' ? [[ctStatus('dnat'), loopback, back]] : []),
      // its own address as its new source: who would masquerade it behind us finds the flow's source decided
      [match(saddr, '@local_source'), match(daddr, '@keep_source'), { snat: { addr: saddr } }],
      [match(saddr, '@local_source'), { accept: null }],
      own([], [wasTo, ...wasPort], '@address_inside'),
      own([match(wasTo, '@node_address')], wasPort, '@node_port_inside'),
      own([match(wasTo, '@node_seen')], wasPort, '@node_port_inside'),
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
