/** The world of the data path tests, and the flows whose outcome is known: one table for the tracer and for the kernel. */
import type { Family, Service, World } from '../../../src/model/world.ts'
import type { PlannerOptions } from '../../../src/plan/options.ts'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../../support/world.ts'

/** What the operator of the test world allows. */
export const TEST_OPTIONS: PlannerOptions = {
  externalIPs: ['203.0.113.0/24', '2001:db8:113::/64', '192.168.77.12/32', 'fd00:77::12/128'],
}

/**
 * Two nodes, two pods each (`p1-10`, `p1-11`, `p2-10`, `p2-11`), all serving TCP and UDP 8080; node 2 serves 9090 itself.
 * `web` has p2-10 alone, `self` p1-10 alone, `host` the node n2, `all` all four, `none` nobody.
 * Service N has the cluster address .N, the nodePort 30000 + N, and, if it asks for more, 203.0.113.N from outside and 203.0.113.10N
 * from a load balancer.
 * Pod p1-10 has hostPort 8081, p1-11 8082 on 127.0.0.1 only, 8083 on the node's address only,
 * and asks for 8084 on the other node's address.
 */
export function testWorld(): World {
  const protocols = ['tcp', 'udp'] as const
  const service = (name: string, id: number, part: Partial<Service> = {}) => {
    const ports = protocols.map((protocol) => ({ name: protocol, protocol, port: 80, nodePort: 30000 + id }))
    return aService(`default/${name}`, { clusterIPs: [`10.96.0.${id}`, `fd00:96::${id}`], ports, ...part })
  }
  const both = (id: number) => [`203.0.113.${id}`, `2001:db8:113::${id}`]
  const balanced = (id: number) => ({ type: 'LoadBalancer', loadBalancerIPs: both(100 + id) }) as const
  const here = (k: number, id: number) => {
    return [[`10.244.${k}.${id}`], [`fd00:244:${k}::${id}`], `n${k}`] as const
  }
  const slices = (
    name: string,
    port: number,
    ...[ipv4, ipv6, node = '']: readonly [readonly string[], readonly string[], string?]
  ) => {
    const ports = protocols.map((protocol) => ({ name: protocol, protocol, port }))
    const endpoints = (some: readonly string[]) => some.map((one) => anEndpoint(one, { node }))
    return [
      aSlice(`default/${name}-4`, `default/${name}`, { ports, endpoints: endpoints(ipv4) }),
      aSlice(`default/${name}-6`, `default/${name}`, { ports, family: 'ipv6', endpoints: endpoints(ipv6) }),
    ]
  }
  const pod = (k: number, id: number, hostPorts: { hostIP: string; hostPort: number }[] = []) =>
    aPod(`default/p${k}-${id}`, `n${k}`, {
      addresses: [`10.244.${k}.${id}`, `fd00:244:${k}::${id}`],
      hostPorts: hostPorts.flatMap((port) => protocols.map((protocol) => ({ ...port, protocol, containerPort: 8080 }))),
    })
  return aWorld({
    services: [
      service('web', 1),
      service('self', 2),
      service('host', 3),
      service('all', 4),
      service('none', 5),
      service('outer', 6, { ...balanced(6), externalIPs: both(6), externalPolicy: 'Local' }),
      service('inner', 7, { internalPolicy: 'Local' }),
      service('guests', 8, {
        ...balanced(8),
        sourceRanges: ['10.244.1.11/32', '192.168.77.0/30', 'fd00:77::/125', 'fd00:244:1::11/128'],
      }),
      service('nobody', 9, { externalPolicy: 'Local', internalPolicy: 'Local' }),
      service('open', 10, { ...balanced(10), sourceRanges: ['0.0.0.0/0'] }),
      service('onnode', 11, { externalIPs: ['192.168.77.12', 'fd00:77::12'] }),
      service('sticky', 12, { affinityInSeconds: 5 }),
    ],
    slices: [
      ...slices('web', 8080, ['10.244.2.10'], ['fd00:244:2::10']),
      ...slices('self', 8080, ['10.244.1.10'], ['fd00:244:1::10']),
      ...slices('host', 9090, ['192.168.77.12'], ['fd00:77::12']),
      ...slices(
        'all',
        8080,
        ['10.244.1.10', '10.244.1.11', '10.244.2.10', '10.244.2.11'],
        ['fd00:244:1::10', 'fd00:244:1::11', 'fd00:244:2::10', 'fd00:244:2::11'],
      ),
      ...slices('outer', 8080, ...here(1, 10)),
      ...slices('inner', 8080, ...here(1, 11)),
      ...slices('guests', 8080, ...here(2, 10)),
      ...slices('open', 8080, ...here(2, 10)),
      ...slices('onnode', 8080, ...here(1, 11)),
      ...slices('sticky', 8080, ...here(1, 10)),
    ],
    pods: [
      pod(1, 10, [{ hostIP: '', hostPort: 8081 }]),
      pod(1, 11, [
        { hostIP: '127.0.0.1', hostPort: 8082 },
        { hostIP: '192.168.77.11', hostPort: 8083 },
        { hostIP: '192.168.77.12', hostPort: 8084 },
      ]),
      pod(2, 10),
      pod(2, 11),
    ],
    nodes: [
      aNode('n1', { addresses: ['192.168.77.11', 'fd00:77::11'], podCIDRs: ['10.244.1.0/24', 'fd00:244:1::/64'] }),
      aNode('n2', { addresses: ['192.168.77.12', 'fd00:77::12'], podCIDRs: ['10.244.2.0/24', 'fd00:244:2::/64'] }),
    ],
    serviceCIDRs: [{ name: 'kubernetes', cidrs: ['10.96.0.0/16', 'fd00:96::/112'] }],
  })
}

/**
 * One flow: from a host (`client`, `n1`, `p1-10`), to an address and port, and what comes of it: `NAME SOURCE`, where SOURCE is
 * `kept` (the server sees the sender) or `node` (it sees an address of the node that translated), or `refused`, or `timeout`.
 */
export interface Flow {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly expected: string
  /** An unbound UDP server answers from another of its host's addresses here, with any proxy. */
  readonly only?: 'tcp'
  /** What comes of it in IPv6, if not the same. */
  readonly ipv6?: string
}

const flow = (from: string, to: string, port: number, expected: string): Flow => ({ from, to, port, expected })

/** Destinations are IPv4; `flowsOf` gives the same flows in IPv6. */
const FLOWS: readonly Flow[] = [
  // NodePort, from outside, at both nodes; the pod may be on the other one
  flow('client', '192.168.77.11', 30001, 'p2-10 node'),
  flow('client', '192.168.77.12', 30001, 'p2-10 node'),
  flow('client', '192.168.77.11', 30002, 'p1-10 node'),
  flow('client', '192.168.77.11', 30003, 'n2 node'),
  flow('client', '192.168.77.12', 30003, 'n2 kept'), // translated to the node itself: nothing leaves it
  // NodePort, from the node itself, from another node, and from pods
  flow('n1', '192.168.77.11', 30001, 'p2-10 node'),
  flow('n1', '192.168.77.12', 30001, 'p2-10 node'),
  flow('n1', '192.168.77.11', 30002, 'p1-10 node'),
  flow('p1-11', '192.168.77.11', 30001, 'p2-10 kept'),
  flow('p1-11', '192.168.77.12', 30001, 'p2-10 node'),
  flow('p1-10', '192.168.77.11', 30002, 'p1-10 node'), // hairpin
  // ClusterIP
  flow('p1-10', '10.96.0.1', 80, 'p2-10 kept'),
  flow('p1-11', '10.96.0.2', 80, 'p1-10 kept'),
  flow('p1-10', '10.96.0.2', 80, 'p1-10 node'), // hairpin
  flow('p1-10', '10.96.0.3', 80, 'n2 kept'),
  { ...flow('p2-10', '10.96.0.3', 80, 'n2 kept'), only: 'tcp' },
  flow('n1', '10.96.0.1', 80, 'p2-10 node'),
  flow('n1', '10.96.0.2', 80, 'p1-10 node'),
  flow('n2', '10.96.0.3', 80, 'n2 node'),
  flow('client', '10.96.0.1', 80, 'p2-10 node'),
  // hostPort
  flow('client', '192.168.77.11', 8081, 'p1-10 kept'),
  flow('n2', '192.168.77.11', 8081, 'p1-10 kept'),
  flow('n1', '192.168.77.11', 8081, 'p1-10 node'),
  flow('n1', '10.244.1.1', 8081, 'p1-10 node'), // any local address
  flow('p1-11', '192.168.77.11', 8081, 'p1-10 kept'),
  flow('p1-10', '192.168.77.11', 8081, 'p1-10 node'), // hairpin
  flow('p2-10', '192.168.77.11', 8081, 'p1-10 kept'),
  flow('client', '192.168.77.12', 8081, 'refused'), // the pod is not there
  flow('client', '192.168.77.11', 8083, 'p1-11 kept'),
  flow('client', '192.168.77.11', 8082, 'refused'), // 127.0.0.1 only
  flow('n1', '192.168.77.12', 8084, 'refused'), // not an address of the pod's node: left alone
  flow('p1-10', '192.168.77.12', 8084, 'refused'),
  // no endpoints, and ports that no Service has
  flow('client', '192.168.77.11', 30005, 'refused'),
  flow('n1', '192.168.77.11', 30005, 'refused'),
  flow('p1-10', '10.96.0.5', 80, 'refused'),
  flow('n1', '10.96.0.5', 80, 'refused'),
  flow('client', '10.96.0.5', 80, 'refused'),
  flow('p1-10', '10.96.0.1', 81, 'refused'),
  flow('n1', '10.96.0.1', 81, 'refused'),
  flow('client', '10.96.0.1', 81, 'refused'),
  // a nodePort is on the node's addresses only
  flow('n1', '10.244.1.1', 30001, 'refused'),
  // externalTrafficPolicy Local: from outside to the pods of the node, who see the sender; silence where others have them
  flow('client', '192.168.77.11', 30006, 'p1-10 kept'),
  flow('client', '192.168.77.12', 30006, 'timeout'),
  flow('client', '203.0.113.6', 80, 'p1-10 kept'),
  flow('client', '203.0.113.106', 80, 'p1-10 kept'),
  flow('client', '192.168.77.11', 30009, 'refused'), // nobody anywhere
  // ... what a node and its pods send goes to all endpoints
  flow('n2', '192.168.77.12', 30006, 'p1-10 node'),
  flow('p2-10', '192.168.77.12', 30006, 'p1-10 kept'),
  flow('n2', '203.0.113.6', 80, 'p1-10 node'),
  flow('p2-10', '203.0.113.6', 80, 'p1-10 kept'),
  flow('p2-10', '203.0.113.106', 80, 'p1-10 kept'),
  flow('p1-10', '203.0.113.106', 80, 'p1-10 node'), // hairpin
  flow('n1', '192.168.77.12', 30006, 'timeout'), // another node is outside
  flow('p1-11', '192.168.77.12', 30006, 'timeout'),
  // internalTrafficPolicy Local: the cluster address has the endpoints of the sender's node only, the nodePort all
  flow('p1-10', '10.96.0.7', 80, 'p1-11 kept'),
  flow('n1', '10.96.0.7', 80, 'p1-11 node'),
  flow('p2-10', '10.96.0.7', 80, 'timeout'),
  flow('n2', '10.96.0.7', 80, 'timeout'),
  flow('client', '192.168.77.12', 30007, 'p1-11 node'),
  flow('p1-10', '10.96.0.9', 80, 'refused'), // nobody anywhere
  // source ranges are for load-balancer addresses alone
  flow('client', '203.0.113.108', 80, 'p2-10 node'),
  flow('p1-11', '203.0.113.108', 80, 'p2-10 kept'),
  flow('p1-10', '203.0.113.108', 80, 'timeout'),
  flow('n1', '203.0.113.108', 80, 'timeout'),
  flow('n2', '192.168.77.11', 30008, 'p2-10 node'),
  flow('p1-10', '10.96.0.8', 80, 'p2-10 kept'),
  { ...flow('client', '203.0.113.110', 80, 'p2-10 node'), ipv6: 'timeout' }, // ranges of one family close the other
  { ...flow('p1-10', '203.0.113.110', 80, 'p2-10 kept'), ipv6: 'timeout' },
  // an external address that is a node's leaves its other ports alone; the other node serves it, too, and no more than that
  flow('client', '192.168.77.12', 80, 'p1-11 node'),
  flow('p1-10', '192.168.77.12', 80, 'p1-11 kept'),
  flow('n1', '192.168.77.12', 80, 'p1-11 node'),
  flow('n2', '192.168.77.12', 80, 'p1-11 node'),
  flow('n2', '192.168.77.12', 9090, 'n2 node'),
  flow('client', '192.168.77.12', 9090, 'n2 kept'),
  flow('p1-10', '192.168.77.12', 9090, 'n2 kept'),
  flow('client', '192.168.77.12', 81, 'refused'),
  // addresses of Services answer nothing else: no nodePort, no hostPort, no other port
  flow('client', '203.0.113.106', 30001, 'refused'),
  flow('client', '203.0.113.106', 8081, 'refused'),
  flow('client', '203.0.113.6', 81, 'refused'),
  flow('p1-10', '203.0.113.6', 81, 'refused'),
  flow('n1', '203.0.113.6', 81, 'refused'),
  flow('client', '10.96.0.6', 30006, 'refused'),
  // a cluster address that no Service has
  flow('client', '10.96.0.77', 80, 'refused'),
  flow('p1-10', '10.96.0.77', 80, 'refused'),
  flow('n1', '10.96.0.77', 80, 'refused'),
  // affinity, with a single endpoint
  flow('client', '192.168.77.11', 30012, 'p1-10 node'),
  flow('p1-10', '10.96.0.12', 80, 'p1-10 node'), // hairpin
]

/** IPv4 only: `::1` cannot be translated. */
const LOOPBACK_FLOWS: readonly Flow[] = [
  flow('n1', '127.0.0.1', 8081, 'p1-10 node'),
  flow('n1', '127.0.0.1', 8082, 'p1-11 node'),
  flow('n1', '127.0.0.1', 30001, 'refused'),
]

/** The flows of one family. */
export function flowsOf(family: Family): readonly Flow[] {
  if (family === 'ipv4') return [...FLOWS, ...LOOPBACK_FLOWS]
  return FLOWS.flatMap((one) => {
    const to = one.port === 8083 ? undefined : ipv6Of(one.to)
    return to === undefined ? [] : [{ ...one, to, expected: one.ipv6 ?? one.expected }]
  })
}

function ipv6Of(address: string): string | undefined {
  if (address.startsWith('192.168.77.')) return `fd00:77::${address.split('.')[3]}`
  if (address.startsWith('10.96.0.')) return `fd00:96::${address.split('.')[3]}`
  if (address.startsWith('203.0.113.')) return `2001:db8:113::${address.split('.')[3]}`
  return undefined
}
