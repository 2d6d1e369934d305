import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNftablesEngine, type NftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createReconciler, type Reconciler } from '../../src/engine/reconcile.ts'
import { inNetns, netnsPath } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import type { DataPathEntry } from '../../src/model/datapath.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost } from './datapath/net.ts'
import { type Flow, flowsOf, TEST_OPTIONS, testWorld } from './datapath/world.ts'

const loaded = new LoadedNet()
const { net, engines, loops } = loaded
const hostNamed = (name: string): TestHost => loaded.host(name)

beforeAll(() => loaded.up())
afterAll(() => loaded.down())

/** The answers of all flows, one process a sender. */
async function answers(flows: readonly Flow[], protocol: string): Promise<readonly string[]> {
  const said = new Map<Flow, string>()
  const ask = async (name: string): Promise<void> => {
    const mine = flows.filter(({ from }) => from === name)
    const from = hostNamed(name)
    const lines = mine.map(({ to, port }) => `${protocol} ${to} ${port}`)
    for (const [index, answer] of (await net.probe(from, lines)).entries()) {
      const [server, seen] = answer.split(' ')
      const kept = seen === from.ipv4 || seen === from.ipv6
      const isNode = from.name.startsWith('n') // whichever of its addresses: the flow is the node's own
      said.set(mine[index] as Flow, seen === undefined ? answer : `${server} ${kept && !isNode ? 'kept' : 'node'}`)
    }
  }
  await Promise.all([...new Set(flows.map(({ from }) => from))].map(ask))
  return flows.map((one) => `${describeFlow(one)} -> ${said.get(one)}`)
}

const describeFlow = ({ from, to, port }: Flow): string => `${from} to ${to}:${port}`
/** What a node sends has a node's address, masqueraded or not: the packet does not tell. */
const wanted = (flows: readonly Flow[]): readonly string[] =>
  flows.map((one) => `${describeFlow(one)} -> ${one.from.startsWith('n') ? one.expected.replace('kept', 'node') : one.expected}`)

describe('flows through the kernel', () => {
  for (const protocol of ['tcp', 'udp']) {
    for (const family of ['ipv4', 'ipv6'] as const) {
      it(`${protocol} over ${family}`, async () => {
        const flows = flowsOf(family).filter(({ only }) => only !== 'tcp' || protocol === 'tcp')
        expect(await answers(flows, protocol)).toEqual(wanted(flows))
      })
    }
  }

  it('spreads over all endpoints', async () => {
    const said = await net.probe(
      net.client,
      Array.from({ length: 60 }, () => 'tcp 192.168.77.11 30004'),
    )
    expect([...new Set(said.map((one) => one.split(' ')[0]))].toSorted()).toEqual(['p1-10', 'p1-11', 'p2-10', 'p2-11'])
  })
})

describe('the table in the kernel', () => {
  const nft = (node: TestHost, ...command: string[]) => run(inNetns(node.ns, ['nft', ...command]))
  const first = net.nodes[0] as TestHost
  const answer = async () => (await net.probe(net.client, ['tcp 192.168.77.11 30001']))[0]

  it('is repaired at once when somebody else damages it, and our own changes wake nobody', async () => {
    const [engine, loop] = [engines[0] as NftablesEngine, loops[0] as Reconciler<DataPathEntry>]
    const damages = [
      ['delete', 'element', 'ip', 'fairway', 'node_port', '{ tcp . 30001 }'],
      ['flush', 'chain', 'ip', 'fairway', 'translate'],
      ['insert', 'rule', 'ip', 'fairway', 'prerouting', 'drop'],
      ['flush', 'map', 'ip', 'fairway', 'backend'],
      ['delete', 'table', 'ip', 'fairway'],
      ['flush', 'ruleset'],
    ]
    let heard = 0
    let wake: () => void = () => undefined
    const stopListening = engine.onForeignChange(() => {
      heard += 1
      loop.verify()
      wake()
    })
    await engine.refresh(new AbortController().signal) // from here on every change is heard
    for (const [index, damage] of damages.entries()) {
      const told = new Promise<void>((resolve) => {
        wake = resolve
      })
      await nft(first, ...damage)
      await told
      await loop.settled()
      expect(await answer(), damage.join(' ')).toMatch(/^p2-10 /)
      expect(heard).toBe(index + 1)
    }
    const group: DataPathEntry = { kind: 'node-address', key: 'node-address/192.0.2.1', family: 'ipv4', address: '192.0.2.1' }
    loop.want({ upserts: [group], removals: [] })
    await loop.settled()
    loop.want({ upserts: [], removals: [group.key] })
    await loop.settled()
    expect(heard).toBe(damages.length)
    stopListening()
  })

  it('carries an open connection while another engine adopts it, and while the endpoint of the Service goes', async () => {
    const held = await net.hold(net.client, '192.168.77.11', 30001)
    expect(await held.say('one')).toBe('one')
    const world = testWorld()
    const slices = new Map([...world.endpointSlices].filter(([key]) => !key.startsWith('default/web-')))
    const rounds: [number, number][] = []
    const engine = createNftablesEngine({ netns: netnsPath(first.ns) })
    const loop = createReconciler<DataPathEntry>({ engine, onRound: (round) => rounds.push([round.upserts, round.removals]) })
    const planner = createPlanner('n1', TEST_OPTIONS)
    loop.want(planner.update(world, changesOf(world)))
    await loop.settled()
    expect(rounds).toEqual([[0, 0]])
    const without = { ...world, endpointSlices: slices }
    loop.want(planner.update(without, changesOf(world)))
    await loop.settled()
    expect(await answer()).toBe('refused')
    expect(await held.say('two')).toBe('two')
    loop.want(planner.update(world, changesOf(world)))
    await loop.settled()
    expect(await answer()).toMatch(/^p2-10 /)
    held.end()
    await loop.stop()
    await engine.close()
  })

  it('keeps a mark that somebody else set on a flow’s first packet', async () => {
    await run(inNetns(first.ns, ['nft', '-f', '-']), {
      input: `table ip marker {
        counter kept { }
        chain before { type filter hook prerouting priority -150; ip saddr 192.168.77.1 tcp flags syn meta mark set 0x1234; }
        chain after { type filter hook forward priority 0; ip saddr 192.168.77.1 tcp flags syn meta mark 0x1234 counter name kept; }
      }`,
    })
    expect(await answer()).toMatch(/^p2-10 /)
    expect(await nft(first, 'list', 'counter', 'ip', 'marker', 'kept')).toMatch(/packets 1 /)
    await nft(first, 'delete', 'table', 'ip', 'marker')
  })

  it('is gone after cleanup, and sysctls are back', async () => {
    const sysctl = () => run(inNetns(first.ns, ['sysctl', '-n', 'net.ipv4.conf.h-p1-10.route_localnet']))
    expect((await sysctl()).trim()).toBe('1')
    await (loops[0] as Reconciler<DataPathEntry>).stop()
    await (engines[0] as NftablesEngine).cleanup(new AbortController().signal)
    expect((await nft(first, 'list', 'ruleset')).trim()).toBe('')
    expect((await sysctl()).trim()).toBe('0')
  })
})
