/** Random small worlds, narrow enough that their objects meet: same ports, same addresses, same names. */
import fc from 'fast-check'
import { familyOf } from '../../src/model/datapath.ts'
import type {
  EndpointSlice,
  HostPort,
  Node,
  Pod,
  Protocol,
  Service,
  ServiceCIDR,
  ServicePort,
  World,
  WorldKind,
} from '../../src/model/world.ts'
import { aNode, anEndpoint, aPod, aService, aSlice } from './world.ts'

const NODES = ['n1', 'n2']
const often = <T>(value: T, other: fc.Arbitrary<T>, weight = 4): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other })
const protocol = fc.constantFrom<Protocol>('tcp', 'udp')
const serviceKey = fc.integer({ min: 0, max: 2 }).map((n) => `default/s${n}`)
const policy = fc.constantFrom<Service['externalPolicy']>('Cluster', 'Local')
const createdAtInMs = fc.integer({ min: 0, max: 3 })

/** What binds the flows of a Service beyond its ports and endpoints. */
const conditions: fc.Arbitrary<Partial<Service>> = fc.record({
  externalIPs: fc.subarray(['203.0.113.1', '203.0.113.9', '192.168.0.1', 'fd00:1::1'], { maxLength: 2 }),
  loadBalancerIPs: fc.subarray(['203.0.113.1', '203.0.113.2', '192.168.0.2', 'fd00:1::1'], { maxLength: 2 }),
  externalPolicy: policy,
  internalPolicy: policy,
  affinityInSeconds: fc.constantFrom(0, 0, 600),
  sourceRanges: fc.oneof(
    fc.constant([]),
    fc.subarray(['192.168.0.0/16', '192.168.0.0/30', '192.168.0.200/32', '10.244.0.0/16', 'fd00::/64', '0.0.0.0/0']),
  ),
  healthCheckNodePort: fc.constantFrom(0, 30003, 30001),
})

const servicePort = (name: string, usual: Protocol): fc.Arbitrary<ServicePort> =>
  fc.record({
    name: often(name, fc.constant('c')),
    protocol: often(usual, protocol),
    port: fc.constantFrom(80, 81),
    nodePort: fc.constantFrom(0, 30001, 30002),
  })

/** As the API has it: no port twice. */
const servicePorts: fc.Arbitrary<readonly ServicePort[]> = fc
  .tuple(servicePort('a', 'tcp'), servicePort('b', 'udp'), fc.constantFrom(1, 2, 2, 2, 0))
  .map(([a, b, count]) => {
    const twice = a.protocol === b.protocol
    const second = {
      ...b,
      name: b.name === a.name ? 'd' : b.name,
      port: twice && a.port === b.port ? 161 - a.port : b.port,
      nodePort: twice && a.nodePort === b.nodePort ? 0 : b.nodePort,
    }
    return [a, second].slice(0, count)
  })

const clusterIPs: fc.Arbitrary<string[]> = fc.uniqueArray(
  fc.constantFrom('10.96.0.1', '10.96.0.2', '10.96.0.3', 'fd00:96::1', 'fd00:96::2'),
  {
    minLength: 1,
    maxLength: 2,
    selector: familyOf,
  },
)

const service: fc.Arbitrary<Service> = fc
  .record({
    key: serviceKey,
    type: fc.constantFrom<Service['type']>('ClusterIP', 'NodePort', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'ExternalName'),
    clusterIPs: fc.oneof({ weight: 8, arbitrary: clusterIPs }, { weight: 1, arbitrary: fc.constant<string[]>([]) }),
    ports: servicePorts,
    addressPool: fc.constant(''),
    loadBalancerClass: fc.constant(''),
    labels: fc.constant({}),
    leftAlone: often(false, fc.constant(true), 8),
    createdAtInMs,
  })
  .map((part) => aService(part.key, { ...part, families: part.clusterIPs.map(familyOf) }))

const bound = fc.record({ plain: service, more: conditions }).map(({ plain, more }): Service => {
  const taken = plain.ports.some(({ nodePort }) => nodePort === more.healthCheckNodePort)
  return { ...plain, ...more, healthCheckNodePort: taken ? 0 : (more.healthCheckNodePort ?? 0) }
})

const hints = (...names: string[]) =>
  fc.oneof({ weight: 1, arbitrary: fc.constant<string[]>([]) }, { weight: 6, arbitrary: fc.subarray(names, { minLength: 1 }) })
const slicePort = (name: string, usual: Protocol) =>
  fc.record({ name: fc.constant(name), protocol: often(usual, protocol), port: fc.constantFrom(8080, 8081) })

const slice: fc.Arbitrary<EndpointSlice> = fc
  .record({
    key: fc.integer({ min: 0, max: 5 }).map((n) => `default/e${n}`),
    service: serviceKey,
    ipv6: fc.constantFrom(false, false, true),
    ports: fc.tuple(slicePort('a', 'tcp'), slicePort('b', 'udp'), fc.constantFrom(2, 2, 2, 1, 0)),
    hinted: fc.constantFrom(false, true, true),
    endpoints: fc.array(
      fc.record({
        id: fc.integer({ min: 1, max: 5 }),
        ready: fc.boolean(),
        serving: often(true, fc.constant(false), 3),
        terminating: fc.boolean(),
        node: fc.constantFrom('', 'n1', 'n1', 'n2', 'n2'),
        zones: hints('a', 'b'),
        nodes: hints(...NODES),
      }),
      { minLength: 1, maxLength: 4, size: 'max' },
    ),
  })
  .map(({ key, service: of, ipv6, ports: [a, b, count], hinted, endpoints }) =>
    aSlice(key, of, {
      family: ipv6 ? 'ipv6' : 'ipv4',
      ports: [a, b].slice(0, count),
      endpoints: endpoints.map(({ id, zones, nodes, ...part }) =>
        anEndpoint(ipv6 ? `fd00:244:1::${id}` : `10.244.1.${id}`, { ...part, ...(hinted ? { zones, nodes } : {}) }),
      ),
    }),
  )

const hostPort: fc.Arbitrary<HostPort> = fc.record({
  hostIP: fc.constantFrom('', '', '0.0.0.0', '::', '192.168.0.1', '127.0.0.1', '::1', '203.0.113.1', '10.96.0.1'),
  hostPort: fc.constantFrom(80, 30001, 30003),
  containerPort: fc.constantFrom(8080, 8081),
  protocol: often<Protocol>('tcp', protocol, 1),
})

const pod: fc.Arbitrary<Pod> = fc
  .record({
    id: fc.integer({ min: 1, max: 5 }),
    node: fc.constantFrom(...NODES),
    ipv6: fc.boolean(),
    addressed: fc.boolean(),
    hostNetwork: fc.constantFrom(false, false, false, true),
    hostPorts: fc.uniqueArray(hostPort, { maxLength: 2, selector: (port) => `${port.hostPort}/${port.protocol}` }),
    finished: fc.constantFrom(false, false, true),
    createdAtInMs,
  })
  .map(({ id, node, ipv6, addressed, ...part }) => {
    const addresses = addressed ? [`10.244.1.${id}`, ...(ipv6 ? [`fd00:244:1::${id}`] : [])] : []
    return aPod(`default/p${id}`, node, { ...part, addresses })
  })

const node: fc.Arbitrary<Node> = fc
  .record({ name: fc.constantFrom(...NODES), ranged: fc.boolean(), both: fc.boolean(), zone: fc.constantFrom('', 'a', 'b') })
  .map(({ name, ranged, both, zone }) =>
    aNode(name, {
      zone,
      addresses: (both ? ['192.168.0.1', 'fd00::1'] : ['192.168.0.1']).map((one) =>
        name === 'n1' ? one : one.replace(/1$/, '2'),
      ),
      podCIDRs: ranged ? ['10.244.1.0/24'] : [],
    }),
  )

const serviceCIDR: fc.Arbitrary<ServiceCIDR> = fc.record({
  name: fc.constantFrom('kubernetes', 'more'),
  cidrs: fc.subarray(['10.96.0.0/12', '10.96.0.0/16', 'fd00:96::/108']),
})

export interface Step {
  readonly kind: WorldKind
  readonly key: string
  readonly after?: Service | EndpointSlice | Pod | Node | ServiceCIDR
}

const gone = often(false, fc.constant(true))

const set = <T extends { key: string }>(kind: Step['kind'], of: fc.Arbitrary<T>): fc.Arbitrary<Step> =>
  fc.record({ object: of, gone }).map(({ object, gone: isGone }) => {
    return isGone ? { kind, key: object.key } : { kind, key: object.key, after: object as never }
  })

/** Objects that are known by their name alone. */
const setNamed = <T extends { name: string }>(kind: Step['kind'], of: fc.Arbitrary<T>): fc.Arbitrary<Step> =>
  fc.record({ object: of, gone }).map(({ object, gone: isGone }) => {
    return isGone ? { kind, key: object.name } : { kind, key: object.name, after: object as never }
  })

/** Long enough for objects to meet: small ones would hardly ever have a Service with endpoints. */
const LENGTH = { minLength: 1, maxLength: 30, size: 'max' } as const
const slices = { weight: 6, arbitrary: set('endpointSlice', slice) }
const others = [slices, { weight: 2, arbitrary: set('pod', pod) }, { weight: 2, arbitrary: setNamed('node', node) }]

/** What happens to a cluster, one object at a time. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof({ weight: 4, arbitrary: set('service', bound) }, ...others, {
    weight: 1,
    arbitrary: setNamed('serviceCIDR', serviceCIDR),
  }),
  LENGTH,
)

export interface MutableWorld extends World {
  readonly services: Map<string, Service>
  readonly endpointSlices: Map<string, EndpointSlice>
  readonly pods: Map<string, Pod>
  readonly nodes: Map<string, Node>
  readonly serviceCIDRs: Map<string, ServiceCIDR>
}

export function emptyWorld(): MutableWorld {
  return { services: new Map(), endpointSlices: new Map(), pods: new Map(), nodes: new Map(), serviceCIDRs: new Map() }
}

const COLLECTION = {
  service: 'services',
  endpointSlice: 'endpointSlices',
  pod: 'pods',
  node: 'nodes',
  serviceCIDR: 'serviceCIDRs',
} as const

export function take(world: MutableWorld, step: Step): void {
  const objects = world[COLLECTION[step.kind]] as Map<string, unknown>
  if (step.after === undefined) objects.delete(step.key)
  else objects.set(step.key, step.after)
}
