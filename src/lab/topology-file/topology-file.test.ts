import { readdirSync } from 'node:fs'
import { BlockList } from 'node:net'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { FairwayError } from '../../model/code.ts'
import { hostNamespaces, hostsOf } from '../names.ts'
import { addressesOf, DEFAULT_TOPOLOGY, podRangesOf, serviceRangesOf, type Topology } from '../topology.ts'
import { planHost, planSwitch } from '../wires/plan.ts'
import { nearest } from './fields.ts'
import { parseTopology } from './parse.ts'
import { printTopology } from './print.ts'
import { readTopologyFile } from './read.ts'

const EXAMPLES = fileURLToPath(new URL('../../../examples/topologies', import.meta.url))
const parse = (value: unknown): Topology => parseTopology(typeof value === 'string' ? value : stringify(value))

function refusal(value: unknown): FairwayError {
  try {
    parse(value)
  } catch (error) {
    if (error instanceof FairwayError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('the examples', () => {
  test.each(readdirSync(EXAMPLES))('%s is accepted, and is the same when printed and read again', (file) => {
    const topology = readTopologyFile(`${EXAMPLES}/${file}`)
    expect(parseTopology(printTopology(topology))).toEqual(topology)
  })

  test('seed.yaml is the default lab', () => {
    expect(readTopologyFile(`${EXAMPLES}/seed.yaml`)).toEqual(DEFAULT_TOPOLOGY)
  })
})

test('only nodes must be there: the rest is chosen, in the ranges of the default lab', () => {
  const { nodes, clients, routers, ...ranges } = parse({ nodes: [{ name: 'one' }, { name: 'two' }] })
  expect(nodes).toEqual([
    {
      ...{ name: 'one', role: 'node', ipv4: '192.168.0.20', ipv6: 'fd00:192:168::14' },
      ...{ podIPv4: '10.244.0.0/24', podIPv6: 'fd00:10:244::/64', controlPlane: true },
    },
    {
      ...{ name: 'two', role: 'node', ipv4: '192.168.0.21', ipv6: 'fd00:192:168::15' },
      ...{ podIPv4: '10.244.1.0/24', podIPv6: 'fd00:10:244:1::/64', controlPlane: false },
    },
  ])
  expect(clients).toEqual([{ name: 'client', role: 'client', ipv4: '192.168.0.10', ipv6: 'fd00:192:168::a' }])
  expect(routers).toEqual([{ name: 'tor', role: 'router', ipv4: '192.168.0.1', ipv6: 'fd00:192:168::1' }])
  const { nodes: _n, clients: _c, routers: _r, ...expected } = DEFAULT_TOPOLOGY
  expect(ranges).toEqual(expected)
})

test('a single-stack lab has nothing of the other family', () => {
  for (const [family, absent] of [
    ['IPv4', ':'],
    ['IPv6', '.'],
  ] as const) {
    const topology = parse({ ipFamilies: [family], nodes: [{ name: 'one' }] })
    const texts = [
      ...hostsOf(topology).flatMap(addressesOf),
      ...topology.nodes.flatMap(podRangesOf),
      ...serviceRangesOf(topology),
    ]
    expect(texts).toHaveLength(5)
    expect(texts.filter((text) => text.includes(absent))).toEqual([])
  }
})

test('what is chosen gives way to what is written', () => {
  const topology = parse({
    ipFamilies: ['IPv4'],
    nodes: [{ name: 'one' }, { name: 'two', ipv4: '192.168.0.20', pods: { ipv4: '10.244.0.0/23' } }, { name: 'three' }],
  })
  expect(topology.nodes.map(({ ipv4 }) => ipv4)).toEqual(['192.168.0.21', '192.168.0.20', '192.168.0.22'])
  expect(topology.nodes.map(({ podIPv4 }) => podIPv4)).toEqual(['10.244.2.0/24', '10.244.0.0/23', '10.244.3.0/24'])
})

test('a small pod range is cut into smaller parts', () => {
  const nodes = Array.from({ length: 5 }, (_, index) => ({ name: `n${index}` }))
  expect(parse({ ipFamilies: ['IPv4'], pods: { ipv4: '10.9.0.0/24' }, nodes }).nodes.map(({ podIPv4 }) => podIPv4)).toEqual(
    [0, 32, 64, 96, 128].map((last) => `10.9.0.${last}/27`),
  )
})

const one = [{ name: 'one' }]
test.each([
  ['nothing', '', '', 'must be a mapping'],
  ['no YAML', 'nodes: [', '', 'is no YAML'],
  ['a key twice', 'nodes: []\nnodes: []', '', 'is no YAML'],
  ['no nodes', { clients: [] }, 'nodes', 'is missing'],
  ['an empty list of nodes', { nodes: [] }, 'nodes', 'is empty'],
  ['too many nodes', { nodes: Array.from({ length: 21 }, (_, index) => ({ name: `n${index}` })) }, 'nodes', 'has 21 nodes'],
  ['a field that is misspelt', { nodes: [{ name: 'a', controlplane: true }] }, 'nodes[0].controlplane', 'is no field'],
  ['a field of nodes at a client', { nodes: one, clients: [{ name: 'c', pods: {} }] }, 'clients[0].pods', 'is no field'],
  ['a node without a name', { nodes: [{ ipv4: '192.168.0.7' }] }, 'nodes[0].name', 'is missing'],
  ['a number for a name', 'nodes: [{ name: 7 }]', 'nodes[0].name', 'must be text, and is 7'],
  ['text for a switch', { nodes: [{ name: 'a', controlPlane: 'yes' }] }, 'nodes[0].controlPlane', 'is "yes"'],
  ['a name that is no label', { nodes: [{ name: 'Node_1' }] }, 'nodes[0].name', '"Node_1", which is no DNS label'],
  ['a long name', { nodes: [{ name: 'a-name-of-sixteen' }] }, 'nodes[0].name', 'which has 17 letters'],
  ['a name of the lab', { nodes: [{ name: 'my-pod-1' }] }, 'nodes[0].name', 'which the lab itself uses'],
  ['one name twice', { nodes: [{ name: 'client' }] }, 'clients[0].name', '"client", and so is nodes[0].name'],
  ['no router', { nodes: one, routers: [] }, 'routers', 'is empty'],
  ['no control plane', { nodes: [{ name: 'a', controlPlane: false }] }, 'nodes', 'has no control plane'],
  [
    'two control planes',
    {
      nodes: [
        { name: 'a', controlPlane: true },
        { name: 'b', controlPlane: true },
      ],
    },
    'nodes',
    'has 2: a, b',
  ],
  ['no address', { nodes: [{ name: 'a', ipv4: '192.168.0.300' }] }, 'nodes[0].ipv4', '"192.168.0.300", which is no IPv4'],
  [
    'one address twice',
    { nodes: [{ name: 'a', ipv6: 'fd00:192:168::1' }], routers: [{ name: 't', ipv6: 'fd00:192:168:0::1' }] },
    'routers[0].ipv6',
    'and so is nodes[0].ipv6',
  ],
  ['an address outside', { nodes: [{ name: 'a', ipv4: '192.169.0.1' }] }, 'nodes[0].ipv4', 'no host of 192.168.0.0/16'],
  ['the address of the network', { nodes: [{ name: 'a', ipv4: '192.168.0.0' }] }, 'nodes[0].ipv4', 'no host of'],
  ['the broadcast address', { nodes: [{ name: 'a', ipv4: '192.168.255.255' }] }, 'nodes[0].ipv4', 'no host of'],
  [
    'an address of an absent family',
    { ipFamilies: ['IPv6'], nodes: [{ name: 'a', ipv4: '192.168.0.7' }] },
    'nodes[0].ipv4',
    'no such family',
  ],
  ['an unknown family', { ipFamilies: ['ipv4'], nodes: one }, 'ipFamilies[0]', '"ipv4", which is no family'],
  ['IPv6 first', { ipFamilies: ['IPv6', 'IPv4'], nodes: one }, 'ipFamilies', 'is ["IPv6","IPv4"]'],
  ['no range', { pods: { ipv4: '10.0.0.0' }, nodes: one }, 'pods.ipv4', 'which is no IPv4 range'],
  ['host bits', { switch: { ipv4: '192.168.0.1/24' }, nodes: one }, 'switch.ipv4', 'which has host bits'],
  ['loopback', { switch: { ipv4: '127.0.0.0/24' }, nodes: one }, 'switch.ipv4', 'which has addresses of 127.0.0.0/8'],
  ['ranges that overlap', { pods: { ipv4: '10.96.0.0/16' }, nodes: one }, 'services.ipv4', 'overlaps pods.ipv4, 10.96.0.0/16'],
  ['too many services', { services: { ipv6: 'fd00:1::/64' }, nodes: one }, 'services.ipv6', 'is fd00:1::/64'],
  ['pods outside', { nodes: [{ name: 'a', pods: { ipv4: '10.245.0.0/24' } }] }, 'nodes[0].pods.ipv4', 'not within 10.244.0.0/16'],
  ['a tiny pod range', { nodes: [{ name: 'a', pods: { ipv4: '10.244.0.0/30' } }] }, 'nodes[0].pods.ipv4', 'too small'],
  [
    'pod ranges that overlap',
    {
      nodes: [
        { name: 'a', pods: { ipv4: '10.244.0.0/23' } },
        { name: 'b', pods: { ipv4: '10.244.1.0/24' } },
      ],
    },
    'nodes[1].pods.ipv4',
    'overlaps nodes[0].pods.ipv4, 10.244.0.0/23',
  ],
  [
    'a pod range for fewer nodes',
    { pods: { ipv4: '10.1.0.0/29' }, nodes: [{ name: 'a' }, { name: 'b' }] },
    'pods.ipv4',
    'too small for 2 nodes',
  ],
  ['a switch for fewer hosts', { switch: { ipv4: '10.1.0.0/30' }, nodes: one }, 'switch.ipv4', 'no free address for one'],
  ['a key that is no label', { nodes: [{ name: 'a', labels: { 'a b': 'c' } }] }, 'nodes[0].labels', 'has the key "a b"'],
  ['a label that is no text', 'nodes: [{ name: a, labels: { b: 1 } }]', 'nodes[0].labels.b', 'must be text'],
])('%s is refused with the field, its value and a fix', (_, value, field, problem) => {
  const error = refusal(value)
  expect(error.code.name).toBe('LAB_TOPOLOGY_INVALID')
  expect(error.message).toContain(problem)
  expect(error.field ?? '').toBe(field)
  expect(error.fix).toMatch(/\S[.?!]$/)
})

test('a misspelt field is answered with the one that was meant', () => {
  expect(refusal({ nodez: [] }).fix).toContain('Did you mean nodes? Fields here are ipFamilies, switch')
  expect(refusal({ nodes: [{ name: 'a', contolPlane: true }] }).fix).toContain('Did you mean controlPlane?')
  expect(nearest('banana', ['nodes', 'clients'])).toBeUndefined()
})

/** Files that mostly can be laid out, with much, little or nothing left to choose. */
const hostName = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/)
const arbitraryFile = fc
  .record({
    families: fc.constantFrom<string[]>(['IPv4'], ['IPv6'], ['IPv4', 'IPv6']),
    names: fc.uniqueArray(hostName, { minLength: 1, maxLength: 22 }),
    offsets: fc.array(fc.option(fc.integer({ min: 1, max: 254 }), { freq: 2 }), { minLength: 22, maxLength: 22 }),
    blocks: fc.array(fc.option(fc.integer({ min: 0, max: 15 })), { minLength: 22, maxLength: 22 }),
    switchLength: fc.integer({ min: 16, max: 29 }),
    podLength: fc.integer({ min: 14, max: 28 }),
    labelled: fc.boolean(),
  })
  .map(({ families, names, offsets, blocks, switchLength, podLength, labelled }) => {
    const has = (family: string) => families.includes(family)
    const nodes = names.map((name, index) => ({
      name,
      ...(has('IPv4') && offsets[index] !== null ? { ipv4: `172.16.0.${offsets[index]}` } : {}),
      ...(has('IPv6') && offsets[index] !== null ? { ipv6: `fd00:1::${offsets[index]?.toString(16)}` } : {}),
      ...(has('IPv4') && blocks[index] !== null ? { pods: { ipv4: `10.0.${blocks[index]}.0/24` } } : {}),
      ...(labelled ? { labels: { zone: `z${index % 2}` } } : {}),
    }))
    return {
      ipFamilies: families,
      switch: { ...(has('IPv4') ? { ipv4: `172.16.0.0/${switchLength}` } : {}), ...(has('IPv6') ? { ipv6: 'fd00:1::/64' } : {}) },
      pods: has('IPv4') ? { ipv4: `10.0.0.0/${podLength}` } : {},
      nodes,
    }
  })

/** How many addresses of a family a set of ranges has in common, the slow and obvious way: by the ends of each. */
function disjoint(ranges: readonly string[]): boolean {
  const ends = ranges.map((range) => {
    const [address, length] = ipaddr.parseCIDR(range)
    const bytes = address.toByteArray()
    const number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
    return { family: address.kind(), first: number, last: number + (1n << BigInt(bytes.length * 8 - length)) - 1n }
  })
  return ends.every((a, i) => ends.every((b, j) => i === j || a.family !== b.family || a.last < b.first || b.last < a.first))
}

function present(...texts: readonly (string | undefined)[]): readonly string[] {
  return texts.filter((text) => text !== undefined)
}

test('whatever is accepted comes back from print, and lays out without a clash', () => {
  let accepted = 0
  fc.assert(
    fc.property(arbitraryFile, (file) => {
      let topology: Topology
      try {
        topology = parse(file)
      } catch (error) {
        expect(error).toMatchObject({ code: { name: 'LAB_TOPOLOGY_INVALID' }, field: expect.stringMatching(/./) })
        return
      }
      accepted++
      expect(parse(printTopology(topology))).toEqual(topology)
      const hosts = hostsOf(topology)
      const addresses = hosts.flatMap(addressesOf)
      expect(addresses).toHaveLength(hosts.length * file.ipFamilies.length)
      expect(new Set(addresses).size).toBe(addresses.length)
      const segment = new BlockList()
      for (const range of present(topology.switchIPv4, topology.switchIPv6)) {
        const [network = '', length] = range.split('/')
        segment.addSubnet(network, Number(length), network.includes(':') ? 'ipv6' : 'ipv4')
      }
      for (const address of addresses) expect(segment.check(address, address.includes(':') ? 'ipv6' : 'ipv4')).toBe(true)
      const ranges = present(topology.switchIPv4, topology.switchIPv6, topology.podRangeIPv4, topology.podRangeIPv6)
      expect(disjoint([...ranges, ...serviceRangesOf(topology)])).toBe(true)
      expect(disjoint(topology.nodes.flatMap(podRangesOf))).toBe(true)
      expect(topology.nodes.filter(({ controlPlane }) => controlPlane)).toHaveLength(1)
      expect(new Set(hostNamespaces('lab', topology)).size).toBe(hosts.length + 1)
      const macs = [planSwitch('lab', topology), ...topology.nodes.map((node) => planHost('lab', topology, node))].flatMap(
        ({ ip }) => ip.flatMap((line) => (line.startsWith('link add') ? (/address (\S+)/.exec(line)?.[1] ?? []) : [])),
      )
      expect(macs).toHaveLength(hosts.length + topology.nodes.length)
      expect(new Set(macs).size).toBe(macs.length)
      expect(planHost('lab', topology, topology.nodes[0] ?? hosts[0] ?? DEFAULT_TOPOLOGY.nodes[0]).ip.join('\n')).not.toContain(
        'undefined',
      )
    }),
    { numRuns: 300 },
  )
  expect(accepted, 'files that were accepted').toBeGreaterThan(60)
})

test('times are those of Kubernetes where the file says so, and quick otherwise', () => {
  const nodes = [{ name: 'a' }]
  expect(parse({ nodes }).times).toBeUndefined()
  expect(parse({ nodes, times: 'quick' })).toEqual(parse({ nodes }))
  const slow = parse({ nodes, times: 'kubernetes' })
  expect(slow.times).toBe('kubernetes')
  expect(parseTopology(printTopology(slow))).toEqual(slow)
  expect(refusal({ nodes, times: 'slow' }).message).toContain('times is "slow"')
})
