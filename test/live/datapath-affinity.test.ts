/** Session affinity by packets: a client stays with its endpoint, whatever comes and goes around it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createNftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { inNetns, netnsPath } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import type { DataPathEntry } from '../../src/model/datapath.ts'
import type { Family, Protocol, World } from '../../src/model/world.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { aNode, anEndpoint, aService, aSlice, aWorld } from '../support/world.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost } from './datapath/net.ts'
import { TEST_OPTIONS } from './datapath/world.ts'

const PODS = ['p1-10', 'p1-11', 'p2-10', 'p2-11']
const LONG = 600
const SHORT = 2

const addressOf = (pod: string, family: Family): string => {
  const [, k, id] = /^p(\d)-(\d+)$/.exec(pod) ?? []
  return family === 'ipv4' ? `10.244.${k}.${id}` : `fd00:244:${k}::${id}`
}

/** One Service with some of the pods behind it. */
function world(affinityInSeconds: number, pods: readonly string[] = PODS): World {
  const protocols = ['tcp', 'udp'] as const
  const ports = protocols.map((protocol) => ({ name: protocol, protocol, port: 80, nodePort: 30100 }))
  const targets = protocols.map((protocol) => ({ name: protocol, protocol, port: 8080 }))
  const families = ['ipv4', 'ipv6'] as const
  return aWorld({
    services: [aService('default/app', { clusterIPs: ['10.96.1.1', 'fd00:96::101'], affinityInSeconds, ports })],
    slices: families.map((family) =>
      aSlice(`default/app-${family}`, 'default/app', {
        family,
        ports: targets,
        endpoints: pods.map((pod) => anEndpoint(addressOf(pod, family))),
      }),
    ),
    nodes: [1, 2].map((k) =>
      aNode(`n${k}`, {
        addresses: [`192.168.77.1${k}`, `fd00:77::1${k}`],
        podCIDRs: [`10.244.${k}.0/24`, `fd00:244:${k}::/64`],
      }),
    ),
  })
}

const loaded = new LoadedNet(world(LONG), 'fwt-da')
const { net } = loaded
const first = net.nodes[0] as TestHost
const CLIENTS = Array.from({ length: 12 }, (_, index) => 20 + index)
const clientAddress = (id: number, family: Family) => (family === 'ipv4' ? `192.168.77.${id}` : `fd00:77::${id}`)

beforeAll(async () => {
  await loaded.up()
  const more = CLIENTS.flatMap((id) => [
    `ip addr add 192.168.77.${id}/24 dev eth0`,
    `ip addr add fd00:77::${id}/64 dev eth0 nodad`,
  ])
  await run(inNetns(net.client.ns, ['sh', '-ec', more.join('\n')]))
})
afterAll(() => loaded.down())

const KINDS = [
  ['tcp', 'ipv4'],
  ['udp', 'ipv4'],
  ['tcp', 'ipv6'],
  ['udp', 'ipv6'],
] as const
const nodePortOf = (family: Family) => (family === 'ipv4' ? '192.168.77.11 30100' : 'fd00:77::11 30100')
const clusterIPOf = (family: Family) => (family === 'ipv4' ? '10.96.1.1 80' : 'fd00:96::101 80')
const inFirst = (...command: string[]) => run(inNetns(first.ns, command))

/** Who answers each line. UDP flows of before are forgotten: one that has the ports of a new one would answer for it. */
async function ask(lines: readonly string[]): Promise<readonly string[]> {
  await inFirst('conntrack', '-F')
  return (await net.probe(net.client, lines)).map((said) => said.split(' ')[0] ?? '')
}

/** Who answers all clients, by client. */
async function askAll(protocol: Protocol, family: Family, to: string): Promise<ReadonlyMap<number, string>> {
  const said = await ask(CLIENTS.map((id) => `${protocol} ${to} 0 ${clientAddress(id, family)}`))
  return new Map(CLIENTS.map((id, index) => [id, said[index] ?? '']))
}

beforeEach(async () => {
  await loaded.become(world(0))
  for (const table of ['ip', 'ip6']) await inFirst('nft', 'flush', 'map', table, 'fairway', 'affinity')
  await loaded.become(world(LONG))
})

describe.each(KINDS)('session affinity, %s over %s', (protocol: Protocol, family: Family) => {
  const nodePort = nodePortOf(family)
  const clusterIP = clusterIPOf(family)
  const [one = 0] = CLIENTS
  const askTo = (to: string) => askAll(protocol, family, to)
  /** Who answers one client that comes often. */
  const often = async () => {
    return new Set(await ask(Array.from({ length: 40 }, () => `${protocol} ${nodePort} 0 ${clientAddress(one, family)}`)))
  }
  const of = (answers: ReadonlyMap<number, string>, pod: string) => [...answers].filter(([, server]) => server === pod)

  it('keeps each client at one endpoint, by nodePort and by cluster address, and not all at the same', async () => {
    const before = await askTo(nodePort)
    expect(new Set(before.values()).size).toBeGreaterThan(1)
    for (const to of [nodePort, clusterIP, nodePort]) expect(await askTo(to)).toEqual(before)
    expect(await often()).toEqual(new Set([before.get(one)]))
  })

  it('moves the clients of an endpoint that leaves, once, and nobody else; when it is back all stay where they are', async () => {
    const before = await askTo(nodePort)
    const gone = before.get(CLIENTS[0] ?? 0) ?? ''
    await loaded.become(
      world(
        LONG,
        PODS.filter((pod) => pod !== gone),
      ),
    )
    const after = await askTo(nodePort)
    expect(of(after, gone)).toEqual([])
    for (const [id, server] of before) if (server !== gone) expect([id, after.get(id)]).toEqual([id, server])
    expect(await askTo(clusterIP)).toEqual(after)
    await loaded.become(world(LONG))
    expect(await askTo(nodePort)).toEqual(after)
  })

  it('gives clients that were silent meanwhile back to an endpoint that left and came back', async () => {
    const before = await askTo(nodePort)
    await loaded.become(world(LONG, ['p1-10']))
    await loaded.become(world(LONG))
    expect(await askTo(nodePort)).toEqual(before)
  })

  it('is kept by another engine that adopts the table', async () => {
    const before = await askTo(nodePort)
    const rounds: [number, number][] = []
    const engine = createNftablesEngine({ netns: netnsPath(first.ns) })
    const loop = createReconciler<DataPathEntry>({ engine, onRound: (round) => rounds.push([round.upserts, round.removals]) })
    const same = world(LONG)
    loop.want(createPlanner('n1', TEST_OPTIONS).update(same, changesOf(same)))
    await loop.settled()
    expect(rounds).toEqual([[0, 0]])
    expect(await askTo(nodePort)).toEqual(before)
    await loop.stop()
    await engine.close()
  })

  it('switches off and on', async () => {
    await loaded.become(world(0))
    expect((await often()).size).toBe(PODS.length)
    await loaded.become(world(LONG))
    expect((await often()).size).toBe(1)
  })
})

it('lasts as long as it says after the last new flow, and no longer', async () => {
  await loaded.become(world(SHORT))
  const lines = KINDS.flatMap(([protocol, family]) =>
    CLIENTS.map((id) => `${protocol} ${nodePortOf(family)} 0 ${clientAddress(id, family)}`),
  )
  const before = await ask(lines)
  const ends = Date.now() + 1000 * (SHORT + 0.5)
  while (Date.now() < ends) expect(await ask(lines)).toEqual(before) // each renews it
  const remembered = async () => {
    const listed = ['ip', 'ip6'].map((table) => inFirst('nft', 'list', 'map', table, 'fairway', 'affinity'))
    return (await Promise.all(listed)).join('')
  }
  await expect.poll(remembered, { interval: 100, timeout: 1000 * (SHORT + 2) }).not.toContain('expires')
  const after = await ask(lines)
  for (const [index] of KINDS.entries()) {
    const [from, to] = [index * CLIENTS.length, (index + 1) * CLIENTS.length]
    expect(after.slice(from, to)).not.toEqual(before.slice(from, to))
  }
})

it('serves clients that there is no memory for, and remembers the others', async () => {
  const line = (id: number) => `tcp ${nodePortOf('ipv4')} 0 ${clientAddress(id, 'ipv4')}`
  const [known = 0, stranger = 0] = CLIENTS
  const [before] = await ask([line(known)])
  const full = Array.from({ length: 262_144 }, (_, n) => `1.${n >> 16}.${(n >> 8) & 255}.${n & 255} . f:f : 1`)
  const fill = (some: readonly string[]) => `add element ip fairway affinity { ${some.join(', ')} }\n`
  await run(inNetns(first.ns, ['nft', '-f', '-']), { input: fill(full.slice(1)) })
  await expect(run(inNetns(first.ns, ['nft', '-f', '-']), { input: fill(full.slice(0, 1)) })).rejects.toThrow('Too many')
  const said = await ask(Array.from({ length: 40 }, () => line(stranger)))
  expect(new Set(said)).toEqual(new Set(PODS))
  expect(new Set(await ask(Array.from({ length: 10 }, () => line(known))))).toEqual(new Set([before]))
  await inFirst('nft', 'flush', 'map', 'ip', 'fairway', 'affinity')
})
