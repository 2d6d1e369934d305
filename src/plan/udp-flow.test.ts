import { describe, expect, test } from 'vitest'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../../test/support/world.ts'
import type { FlowMatch, RecordedFlow } from '../model/flow.ts'
import type { Endpoint, World } from '../model/world.ts'
import { changesOf, createPlanner, type Planner } from './planner.ts'

const ports = [
  { name: 'dns', protocol: 'udp', port: 53, nodePort: 30053 },
  { name: 'dns-tcp', protocol: 'tcp', port: 53, nodePort: 30053 },
] as const
const node = aNode('n1', { addresses: ['192.0.2.1'], podCIDRs: ['10.244.1.0/24'] })
const dns = aService('default/dns', { clusterIPs: ['10.96.0.10'], ports })
const ADDRESS = /^10\.96/

function world(endpoints: readonly Endpoint[], part: Partial<typeof dns> = {}): World {
  const slice = aSlice('default/dns-1', 'default/dns', {
    ports: ports.map(({ name, protocol }) => ({ name, protocol, port: 5353 })),
    endpoints,
  })
  return aWorld({ services: [{ ...dns, ...part }], slices: [slice], nodes: [node] })
}

/** A planner that has seen `first`; what was stale before is taken. */
function planned(first: World): Planner {
  const planner = createPlanner('n1')
  planner.update(first, changesOf(first))
  planner.udp.takeStale()
  return planner
}

/** As `ADDRESS:PORT SERVER`, `*` for any address. */
function say(stale: readonly FlowMatch[]): readonly string[] {
  return stale
    .map(
      ({ address, port, server }) =>
        `${address || '*'}:${port} ${typeof server === 'string' ? server : `${server.address}:${server.port}`}`,
    )
    .toSorted()
}

function stale(first: World, ...later: readonly World[]): readonly string[] {
  const planner = planned(first)
  for (const next of later) planner.update(next, [...changesOf(next), ...changesOf(first)])
  return say(planner.udp.takeStale())
}

const one = anEndpoint('10.244.1.2')
const two = anEndpoint('10.244.1.3')
const leaving = { ...one, ready: false, terminating: true }

describe('what becomes stale', () => {
  test.each<readonly [string, World, readonly World[], readonly string[]]>([
    ['an endpoint that leaves', world([one, two]), [world([two])], ['*:30053 10.244.1.2:5353', '10.96.0.10:53 10.244.1.2:5353']],
    ['the last endpoint', world([one]), [world([])], ['*:30053 10.244.1.2:5353', '10.96.0.10:53 10.244.1.2:5353']],
    ['an endpoint that is still serving while it ends: not yet', world([one, two]), [world([leaving, two])], []],
    [
      'and then',
      world([leaving, two]),
      [world([{ ...leaving, serving: false }, two])],
      ['*:30053 10.244.1.2:5353', '10.96.0.10:53 10.244.1.2:5353'],
    ],
    ['one that comes and goes between two looks', world([one]), [world([one, two]), world([one])], []],
    ['one that comes beside another', world([one]), [world([one, two])], []],
    ['the first one', world([]), [world([one])], ['*:30053 untranslated', '10.96.0.10:53 untranslated']],
    ['a policy', world([{ ...one, node: 'n2' }]), [world([{ ...one, node: 'n2' }], { externalPolicy: 'Local' })], []],
    [
      'a nodePort that moves',
      world([one]),
      [world([one], { ports: [{ ...ports[0], nodePort: 30054 }] })],
      ['*:30053 10.244.1.2:5353', '*:30054 untranslated'],
    ],
    [
      'a Service that goes',
      world([one, two]),
      [aWorld({ nodes: [node] })],
      ['*:30053 10.244.1.2:5353', '*:30053 10.244.1.3:5353', '10.96.0.10:53 10.244.1.2:5353', '10.96.0.10:53 10.244.1.3:5353'],
    ],
  ])('%s', (_, first, later, expected) => expect(stale(first, ...later)).toEqual(expected))

  test('a hostPort that another pod takes', () => {
    const pod = (name: string, address: string) =>
      aPod(`default/${name}`, 'n1', {
        addresses: [address],
        hostPorts: [{ hostIP: '', hostPort: 53, containerPort: 5353, protocol: 'udp' }],
      })
    const first = aWorld({ pods: [pod('a', '10.244.1.2')], nodes: [node] })
    const next = aWorld({ pods: [pod('b', '10.244.1.3')], nodes: [node] })
    expect(stale(first, next)).toEqual(['*:53 10.244.1.2:5353'])
  })

  test('a destination that goes from one Service to another, in either order', () => {
    const [a, b] = ['a', 'b'].map((name) => aService(`default/${name}`, { clusterIPs: ['10.96.0.10'], ports: [ports[0]] }))
    const slices = ['a', 'b'].map((name, index) =>
      aSlice(`default/${name}-1`, `default/${name}`, {
        ports: [{ name: 'dns', protocol: 'udp', port: 5353 }],
        endpoints: [anEndpoint(`10.244.1.${index + 2}`)],
      }),
    )
    const of = (service: typeof a) => aWorld({ services: service === undefined ? [] : [service], slices, nodes: [node] })
    const destination = (lines: readonly string[]) => lines.filter((line) => ADDRESS.test(line))
    expect(destination(stale(of(a), of(b)))).toEqual(['10.96.0.10:53 10.244.1.2:5353'])
    expect(destination(stale(of(b), of(a)))).toEqual(['10.96.0.10:53 10.244.1.3:5353'])
  })
})

describe('at the first look', () => {
  const flow = (destination: string, port: number, server: string, serverPort = 5353): RecordedFlow => {
    const client = { address: '198.51.100.7', port: 4000 }
    const at = { address: destination, port }
    return { family: 'ipv4', source: client, destination: at, server: { address: server, port: serverPort }, reply: client }
  }
  const isHere = (address: string) => address === '192.0.2.1'

  test.each<readonly [string, RecordedFlow, readonly string[]]>([
    ['to an endpoint that is there', flow('10.96.0.10', 53, '10.244.1.2'), []],
    ['to one that is not', flow('10.96.0.10', 53, '10.244.1.9'), ['10.96.0.10:53 10.244.1.9:5353']],
    ['to another port of one', flow('10.96.0.10', 53, '10.244.1.2', 80), ['10.96.0.10:53 10.244.1.2:80']],
    ['to a nodePort', flow('192.0.2.1', 30053, '10.244.1.9'), ['*:30053 10.244.1.9:5353']],
    ['to that port of another machine', flow('192.0.2.77', 30053, '192.0.2.77', 30053), []],
    ['to nobody', flow('10.96.0.10', 53, '10.96.0.10', 53), ['10.96.0.10:53 untranslated']],
    ['to an address that is not ours', flow('10.96.0.11', 53, '10.244.1.9'), []],
  ])('a flow %s', (_, recorded, expected) => {
    expect(say(planned(world([one])).udp.staleAmong([recorded], isHere))).toEqual(expected)
  })

  test('a Service without endpoints keeps its flows', () => {
    expect(planned(world([])).udp.staleAmong([flow('10.96.0.10', 53, '10.244.1.9')], isHere)).toEqual([])
  })
})
