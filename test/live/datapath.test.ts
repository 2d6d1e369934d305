import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNftablesEngine, type NftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createReconciler, type Reconciler } from '../../src/engine/reconcile.ts'
import { netnsPath } from '../../src/linux/netns.ts'
import type { DataPathEntry } from '../../src/model/datapath.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { type TestHost, TestNet } from './datapath/net.ts'
import { FLOWS, type Flow, ipv6Of, LOOPBACK_FLOWS, testWorld } from './datapath/world.ts'

const net = new TestNet()
const engines: NftablesEngine[] = []
const loops: Reconciler<DataPathEntry>[] = []

beforeAll(async () => {
  await net.up()
  for (const [node, id] of [
    [0, 10],
    [0, 11],
    [1, 10],
    [1, 11],
  ] as const) {
    await net.serve(await net.addPod(node, id), 8080)
  }
  await net.serve(net.nodes[1] as TestHost, 9090)
  for (const node of net.nodes) {
    const engine = createNftablesEngine({ netns: netnsPath(node.ns) })
    const loop = createReconciler<DataPathEntry>({ engine })
    engines.push(engine)
    loops.push(loop)
    const world = testWorld()
    loop.want(createPlanner(node.name).update(world, changesOf(world)))
    await loop.settled()
  }
})

afterAll(async () => {
  for (const loop of loops) await loop.stop()
  for (const engine of engines) await engine.close()
  await net.down()
})

const hostNamed = (name: string): TestHost => {
  const found = [net.client, ...net.nodes, ...net.pods].find((host) => host.name === name)
  if (found === undefined) throw new Error(`no host ${name}`)
  return found
}

/** The answers of all flows, one process a sender. */
async function answers(flows: readonly Flow[], protocol: string, address: (to: string) => string): Promise<readonly string[]> {
  const said = new Map<Flow, string>()
  for (const name of new Set(flows.map(({ from }) => from))) {
    const mine = flows.filter(({ from }) => from === name)
    const from = hostNamed(name)
    const lines = mine.map(({ to, port }) => `${protocol} ${address(to)} ${port}`)
    for (const [index, answer] of (await net.probe(from, lines)).entries()) {
      const [server, seen] = answer.split(' ')
      const kept = seen === from.ipv4 || seen === from.ipv6
      const isNode = from.name.startsWith('n') // whichever of its addresses: the flow is the node's own
      said.set(mine[index] as Flow, seen === undefined ? answer : `${server} ${kept && !isNode ? 'kept' : 'node'}`)
    }
  }
  return flows.map((one) => `${describeFlow(one)} -> ${said.get(one)}`)
}

const describeFlow = ({ from, to, port }: Flow): string => `${from} to ${to}:${port}`
/** What a node sends has a node's address, masqueraded or not: the packet does not tell. */
const wanted = (flows: readonly Flow[]): readonly string[] =>
  flows.map((one) => `${describeFlow(one)} -> ${one.from.startsWith('n') ? one.expected.replace('kept', 'node') : one.expected}`)

describe('flows through the kernel', () => {
  for (const protocol of ['tcp', 'udp']) {
    it(`${protocol} over IPv4`, async () => {
      const flows = [...FLOWS, ...LOOPBACK_FLOWS].filter(({ only }) => only !== 'tcp' || protocol === 'tcp')
      expect(await answers(flows, protocol, (to) => to)).toEqual(wanted(flows))
    })

    it(`${protocol} over IPv6`, async () => {
      const flows = FLOWS.filter(({ to }) => ipv6Of(to) !== undefined).filter(({ port }) => port !== 8083)
      expect(await answers(flows, protocol, (to) => ipv6Of(to) as string)).toEqual(wanted(flows))
    })
  }

  it('spreads over all endpoints', async () => {
    const said = await net.probe(
      net.client,
      Array.from({ length: 60 }, () => 'tcp 192.168.77.11 30004'),
    )
    expect([...new Set(said.map((one) => one.split(' ')[0]))].toSorted()).toEqual(['p1-10', 'p1-11', 'p2-10', 'p2-11'])
  })
})
