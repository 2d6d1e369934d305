/** Random worlds on the network of the data path tests, whose pods really answer, and what the tracer says of flows through them. */
import fc from 'fast-check'
import type { Tracer } from '../../../src/engine/nftables/trace.ts'
import { familyOf } from '../../../src/model/datapath.ts'
import type { Endpoint, Family, HostPort, NodeName, Pod, Protocol, Service, World } from '../../../src/model/world.ts'
import { everyTrace } from '../../support/datapath.ts'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../../support/world.ts'

const PROTOCOLS = ['tcp', 'udp'] as const
const IDS = [1, 2, 3, 4]
const PODS = ['p1-10', 'p1-11', 'p2-10', 'p2-11']
/** Addresses that more than one Service may want; the last is a node's own. */
const SHARED = ['203.0.113.9', '2001:db8:113::9', '192.168.77.12', 'fd00:77::12']
const RANGES = ['192.168.77.0/24', '192.168.77.1/32', '10.244.1.0/24', '10.244.1.10/32', 'fd00:77::/64', 'fd00:244:1::/64']

const podAddress = (name: string, family: Family): string => {
  const [node = '', id = ''] = name.slice(1).split('-')
  return family === 'ipv4' ? `10.244.${node}.${id}` : `fd00:244:${node}::${id}`
}
const nodeOfPod = (name: string): NodeName => `n${name.slice(1, 2)}`
const nodeAddresses = (node: NodeName): readonly string[] => [`192.168.77.1${node.slice(1)}`, `fd00:77::1${node.slice(1)}`]

const policy = fc.constantFrom<Service['externalPolicy']>('Cluster', 'Local')
const conditions = fc.record({
  type: fc.constantFrom<Service['type']>('ClusterIP', 'NodePort', 'NodePort', 'LoadBalancer', 'LoadBalancer'),
  shared: fc.subarray(SHARED, { maxLength: 2 }),
  external: fc.boolean(),
  internalPolicy: policy,
  externalPolicy: policy,
  sourceRanges: fc.oneof(fc.constant([]), fc.subarray(RANGES, { maxLength: 3 })),
  createdAtInMs: fc.integer({ min: 0, max: 3 }),
})
const endpointState = fc.constantFrom<Partial<Endpoint>>(
  ...[{}, {}, {}, { ready: false, serving: true, terminating: true }, { ready: false, serving: false }],
)
const endpoints = fc.record({
  pods: fc.subarray(PODS),
  states: fc.array(endpointState, { minLength: PODS.length, maxLength: PODS.length }),
  hinted: fc.constantFrom(false, false, true),
})
const hostPort: fc.Arbitrary<HostPort> = fc.record({
  hostIP: fc.constantFrom('', '', '192.168.77.11', 'fd00:77::11', '203.0.113.9'),
  hostPort: fc.constantFrom(80, 8081, 30001, 30002),
  containerPort: fc.constant(8080),
  protocol: fc.constantFrom<Protocol>('tcp', 'udp'),
})

function serviceOf(id: number, part: typeof conditions extends fc.Arbitrary<infer T> ? T : never): Service {
  const { external, shared, type, ...more } = part
  const outside = [`203.0.113.${id}`, `2001:db8:113::${id}`, ...shared]
  return aService(`default/s${id}`, {
    ...more,
    type,
    clusterIPs: [`10.96.0.${id}`, `fd00:96::${id}`],
    families: ['ipv4', 'ipv6'],
    ports: PROTOCOLS.map((protocol) => ({
      name: protocol,
      protocol,
      port: 80,
      nodePort: type === 'ClusterIP' ? 0 : 30_000 + id,
    })),
    ...(external ? { externalIPs: outside } : {}),
    ...(type === 'LoadBalancer' && !external ? { loadBalancerIPs: outside } : {}),
  })
}

function slicesOf(id: number, { hinted, pods, states }: typeof endpoints extends fc.Arbitrary<infer T> ? T : never) {
  return (['ipv4', 'ipv6'] as const).map((family) =>
    aSlice(`default/s${id}-${family}`, `default/s${id}`, {
      family,
      ports: PROTOCOLS.map((protocol) => ({ name: protocol, protocol, port: 8080 })),
      endpoints: pods.map((name) => {
        const node = nodeOfPod(name)
        const state = states[PODS.indexOf(name)]
        return anEndpoint(podAddress(name, family), { node, ...state, ...(hinted ? { nodes: [node] } : {}) })
      }),
    }),
  )
}

const podOf = (name: string, hostPorts: readonly HostPort[], createdAtInMs: number): Pod =>
  aPod(`default/${name}`, nodeOfPod(name), {
    addresses: [podAddress(name, 'ipv4'), podAddress(name, 'ipv6')],
    hostPorts,
    createdAtInMs,
  })

/** Four Services, their endpoints among the four pods, and hostPorts that meet them. */
export const randomWorld: fc.Arbitrary<World> = fc
  .record({
    services: fc.tuple(conditions, conditions, conditions, conditions),
    slices: fc.tuple(endpoints, endpoints, endpoints, endpoints),
    hostPorts: fc.uniqueArray(hostPort, { maxLength: 3, selector: (port) => `${port.hostPort}/${port.protocol}` }),
    createdAtInMs: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ createdAtInMs, hostPorts, services, slices }) =>
    aWorld({
      services: services.map((part, index) => serviceOf(index + 1, part)),
      slices: slices.flatMap((part, index) => slicesOf(index + 1, part)),
      pods: PODS.map((name) => podOf(name, name === 'p1-10' ? hostPorts : [], createdAtInMs)),
      nodes: ['n1', 'n2'].map((name) =>
        aNode(name, {
          addresses: nodeAddresses(name),
          podCIDRs: [`10.244.${name.slice(1)}.0/24`, `fd00:244:${name.slice(1)}::/64`],
        }),
      ),
      serviceCIDRs: [{ name: 'kubernetes', cidrs: ['10.96.0.0/16', 'fd00:96::/112'] }],
    }),
  )

/** A flow, and everything that may come of it: `p1-10 kept`, `p1-10 node`, `refused` or `timeout`. */
export interface RandomFlow {
  readonly from: string
  readonly line: string
  readonly may: readonly string[]
}

const SENDERS = ['client', 'n1', 'p1-10'] as const
const TARGETS: readonly (readonly [string, number])[] = [
  ...IDS.flatMap((id) =>
    [`10.96.0.${id}`, `fd00:96::${id}`, `203.0.113.${id}`, `2001:db8:113::${id}`].map((to) => [to, 80] as const),
  ),
  ...['n1', 'n2']
    .flatMap(nodeAddresses)
    .flatMap((to) => [80, 8081, ...IDS.map((id) => 30_000 + id)].map((port) => [to, port] as const)),
  ...['203.0.113.9', '2001:db8:113::9', '10.96.0.99', 'fd00:96::99'].map((to) => [to, 80] as const),
  ...['10.96.0.1', '203.0.113.1', 'fd00:96::1', '2001:db8:113::1'].map((to) => [to, 81] as const),
]

type Tracers = Readonly<Record<NodeName, Readonly<Record<Family, Tracer>>>>

/** The flows that the rules of the first node on their way decide; what those leave alone is not this test's. */
export function decidedFlows(tracers: Tracers): readonly RandomFlow[] {
  return SENDERS.flatMap((from) =>
    TARGETS.flatMap(([to, port]) =>
      PROTOCOLS.flatMap((protocol) => {
        const may = outcomes(tracers, { from, to, protocol, port })
        return may === undefined ? [] : [{ from, line: `${protocol} ${to} ${port}`, may }]
      }),
    ),
  )
}

interface Sent {
  readonly from: (typeof SENDERS)[number]
  readonly to: string
  readonly protocol: Protocol
  readonly port: number
}

function outcomes(tracers: Tracers, { from, to, protocol, port }: Sent): readonly string[] | undefined {
  const family = familyOf(to)
  const first: NodeName = from === 'client' && nodeAddresses('n2').includes(to) ? 'n2' : 'n1'
  const tracer = tracers[first]?.[family]
  if (tracer === undefined) return undefined
  const packet = { family, protocol, from: addressOf(from, family), fromPort: 40_000, to, port, interface: interfaceOf(from) }
  const local = [...nodeAddresses(first), `10.244.${first.slice(1)}.1`]
  const traces = everyTrace(tracer, packet, (address) => local.includes(address))
  const may = traces.map(({ masqueraded, outcome, to: end, translated }) => {
    if (outcome === 'refused') return 'refused'
    if (outcome === 'dropped') return 'timeout'
    if (!translated) return 'alone'
    // what a node sends has a node's address, masqueraded or not
    const source = masqueraded || from === 'n1' ? 'node' : 'kept'
    return `${PODS.find((name) => podAddress(name, family) === end)} ${source}`
  })
  return may.includes('alone') ? undefined : [...new Set(may)].toSorted()
}

const interfaceOf = (from: string): string => ({ client: 'eth0', n1: '' })[from] ?? `h-${from}`

function addressOf(from: string, family: Family): string {
  if (from === 'client') return family === 'ipv4' ? '192.168.77.1' : 'fd00:77::1'
  if (from === 'n1') return family === 'ipv4' ? '192.168.77.11' : 'fd00:77::11'
  return podAddress(from, family)
}
