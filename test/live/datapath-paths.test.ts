/** Flows whose way is out of the ordinary: narrow links, very many endpoints, addresses of Services that a node has itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inNetns, ipBatch } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import type { Family, Service } from '../../src/model/world.ts'
import { anEndpoint, aSlice } from '../support/world.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost } from './datapath/net.ts'
import { testWorld } from './datapath/world.ts'

const loaded = new LoadedNet(testWorld(), 'fwt-dw')
const { net } = loaded
const [first, second] = net.nodes as [TestHost, TestHost]
const inside = (at: TestHost, ...command: string[]) => run(inNetns(at.ns, command))

beforeAll(() => loaded.up())
afterAll(() => loaded.down())

describe.each([
  { family: 'ipv4', flag: '-4', nodePort: '192.168.77.11' },
  { family: 'ipv6', flag: '-6', nodePort: 'fd00:77::11' },
] as const)('a link that is narrower than the others, $family', ({ family, flag, nodePort }) => {
  const LARGE = 'x'.repeat(300_000)
  const NARROW = 1_300
  const learnt = async (at: TestHost, to: string) => (await inside(at, 'ip', flag, 'route', 'get', to)).includes(`mtu ${NARROW}`)

  it('on the way to the client is learnt by the pod, although the node masqueraded its flow', async () => {
    const pod = loaded.host('p1-10') // of the Service at nodePort 30002
    const [, seen = ''] = ((await net.probe(net.client, [`tcp ${nodePort} 30002`]))[0] ?? '').split(' ')
    await inside(first, 'ip', flag, 'route', 'replace', net.client[family], 'dev', 'eth0', 'mtu', 'lock', String(NARROW))
    const held = await net.hold(net.client, nodePort, 30002)
    expect(await held.say(LARGE)).toBe(LARGE)
    held.end()
    expect(await learnt(pod, seen)).toBe(true)
  })

  it('behind the other node is learnt by the client: the error comes back through both nodes', async () => {
    const pod = loaded.host('p2-10')
    const route = `${pod[family]} dev h-p2-10`
    await inside(second, 'ip', flag, 'route', 'replace', ...route.split(' '), 'mtu', 'lock', String(NARROW))
    const held = await net.hold(net.client, nodePort, 30001)
    expect(await held.say(LARGE)).toBe(LARGE)
    held.end()
    expect(await learnt(net.client, nodePort)).toBe(true)
  })
})

describe('a hundred endpoints', () => {
  const COUNT = 100
  const addresses = (family: Family) =>
    Array.from({ length: COUNT }, (_, index) => (family === 'ipv4' ? `10.244.1.${128 + index}` : `fd00:244:1::1:${index + 1}`))
  const worldOf = (count: number) => {
    const world = testWorld()
    const slices = (['ipv4', 'ipv6'] as const).map((family) =>
      aSlice(`default/all-${family.slice(3)}`, 'default/all', {
        family,
        ports: (['tcp', 'udp'] as const).map((protocol) => ({ name: protocol, protocol, port: 8080 })),
        endpoints: addresses(family)
          .slice(0, count)
          .map((one) => anEndpoint(one)),
      }),
    )
    return { ...world, endpointSlices: new Map([...world.endpointSlices, ...slices.map((one) => [one.key, one] as const)]) }
  }

  beforeAll(async () => {
    const pod = loaded.host('p1-10')
    const more = (['ipv4', 'ipv6'] as const).flatMap(addresses)
    await ipBatch(
      pod.ns,
      more.map((one) => `addr add ${one} dev eth0 ${one.includes(':') ? 'nodad' : ''}`),
    )
    await ipBatch(
      first.ns,
      more.map((one) => `route add ${one} dev h-p1-10`),
    )
  })

  it.each([COUNT, 65, 1])('%i of them are all drawn, and nobody else', async (count) => {
    await loaded.become(worldOf(count))
    for (const [family, to] of [
      ['ipv4', '192.168.77.11'],
      ['ipv6', 'fd00:77::11'],
    ] as const) {
      await inside(first, 'conntrack', '-F')
      const lines = Array.from({ length: 14 * count }, () => `tcp ${to} 30004`)
      expect(new Set((await net.probe(net.client, lines)).map((said) => said.split(' ')[0]))).toEqual(new Set(['p1-10']))
      const flows = await inside(first, 'conntrack', '-L', '-f', family, '-p', 'tcp', '--orig-port-dst', '30004')
      const drawn = new Set(addresses(family).filter((one) => flows.includes(`src=${one} `)))
      expect(drawn.size).toBe(count)
    }
  })
})

describe('a load-balancer address that the node has itself, as speakers of some kinds put it on an interface', () => {
  beforeAll(async () => {
    await ipBatch(
      first.ns,
      ['106', '108'].flatMap((id) => [`addr add 203.0.113.${id}/32 dev lo`, `addr add 2001:db8:113::${id}/128 dev lo`]),
    )
  })

  /** More source ranges for the Service `guests`, which does not let this node in. */
  const worldWithGuest = (...ranges: readonly string[]) => {
    const world = testWorld()
    const guests = world.services.get('default/guests') as Service
    const wider = { ...guests, sourceRanges: [...guests.sourceRanges, ...ranges] }
    return { ...world, services: new Map([...world.services, [guests.key, wider]]) }
  }

  it.each([
    ['203.0.113.106', '203.0.113.108'],
    ['2001:db8:113::106', '2001:db8:113::108'],
  ])('answers what the Service answers, and refuses all else: %s', async (outer, guests) => {
    const ask = async (from: TestHost, ...flows: string[]) => (await net.probe(from, flows)).map((one) => one.split(' ')[0])
    const flows = [`tcp ${outer} 80`, `tcp ${outer} 30001`, `tcp ${outer} 8081`, `udp ${outer} 81`]
    for (const from of [net.client, loaded.host('p1-11'), first]) {
      expect(await ask(from, ...flows)).toEqual(['p1-10', 'refused', 'refused', 'refused'])
    }
    expect(await ask(first, `tcp ${guests} 80 0 ${guests}`)).toEqual(['timeout'])
    await loaded.become(worldWithGuest('192.168.77.11/32', 'fd00:77::11/128'))
    expect(await ask(first, `tcp ${guests} 80`, `tcp ${guests} 80 0 ${guests}`)).toEqual(['p2-10', 'p2-10'])
    await loaded.become(testWorld())
  })
})
