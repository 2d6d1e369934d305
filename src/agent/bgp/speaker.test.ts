import { afterEach, beforeEach, expect, test } from 'vitest'
import { aNode, aWorld } from '../../../test/support/world.ts'
import { TransportEngine } from '../../engine/bird/engine.ts'
import { FakeBird } from '../../engine/bird/fake.ts'
import { renderMetrics } from '../../http/metrics.ts'
import { createClient, type KubeClient } from '../../kube/client.ts'
import { FakeApi } from '../../kube/fake/fake-api.ts'
import type { KubeObject } from '../../kube/types.ts'
import type { BgpSession } from '../../model/bgp.ts'
import { FairwayError } from '../../model/code.ts'
import { BGP_DAEMON_NOT_STARTED } from '../../model/codes/bgp.ts'
import type { Node } from '../../model/world.ts'
import { type BgpPlanner, createBgpPlanner } from '../../plan/bgp.ts'
import { Speaker } from './speaker.ts'

const PEERS = '/apis/metallb.io/v1beta2/bgppeers'
const soon = { timeout: 5_000, interval: 5 }

let api: FakeApi
let client: KubeClient
let bird: FakeBird
const closers: (() => Promise<void>)[] = []
beforeEach(async () => {
  api = new FakeApi()
  await api.listen()
  client = createClient(api.config)
  bird = new FakeBird()
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  client.close()
  await api.close()
})

const node = (more: Partial<Node> = {}): Node => ({ ...aNode('n1'), ...more })
const peer = (name = 'tor', address = '192.0.2.1'): KubeObject =>
  ({
    metadata: { namespace: 'default', name },
    spec: { myASN: 64513, peerASN: 64512, peerAddress: address },
  }) as KubeObject

function start(planner: BgpPlanner = createBgpPlanner('n1', { kernelTable: 20819 })) {
  const stop = new AbortController()
  const engine = new TransportEngine(bird)
  const kept: (readonly string[])[] = []
  const speaker = new Speaker({
    ...{ node: 'n1', client, engine, planner, kernelTable: 20819, drainInMs: 60_000, signal: stop.signal },
    onFindings: () => undefined,
    onKeepSource: (cidrs) => kept.push(cidrs),
    lookEveryInMs: 5,
  })
  let stopped: Promise<void> | undefined
  const end = () => {
    stop.abort()
    stopped ??= speaker.stop()
    return stopped
  }
  closers.push(end)
  const sees = (one: Node) => speaker.takeWorld(aWorld({ nodes: [one] }), [{ kind: 'node', key: 'n1', after: one }])
  const session = () => [...engine.observed.values()].find((entry) => entry.kind === 'session') as BgpSession | undefined
  return { speaker, engine, kept, sees, session, end }
}

const names = ({ findings }: Speaker) => findings.map(({ code }) => code.name)

test('without a peer no BIRD runs; with one it does; when it goes, so does BIRD', async () => {
  const { sees, session, speaker } = start()
  sees(node())
  await expect.poll(() => speaker.state.pending, soon).toBe(0)
  expect(bird.running).toBeUndefined()
  api.store.put(PEERS, peer())
  await expect.poll(() => session()?.peerAddress, soon).toBe('192.0.2.1')
  await expect.poll(() => speaker.state.sessions.map(({ state }) => state), soon).toEqual(['Idle'])
  api.store.put(PEERS, peer('tor', '192.0.2.2'))
  const scrape = () => renderMetrics(speaker.gauges)
  await expect.poll(scrape, soon).toContain('fairway_bgp_session_up{peer="tor",address="192.0.2.2"} 0')
  await expect.poll(scrape, soon).toMatch(/^fairway_bgp_update_duration_seconds_count [12]$/m)
  api.store.remove(PEERS, 'default/tor')
  await expect.poll(() => bird.running, soon).toBeUndefined()
  await expect.poll(() => speaker.state.sessions, soon).toEqual([])
})

test('what was closed by a drain stays closed under the next agent, and comes back when the drain is over', async () => {
  api.store.put(PEERS, peer())
  const first = start()
  first.sees(node())
  await expect.poll(() => first.session()?.drain, soon).toBe('none')
  await first.end()
  const before = first.session() as BgpSession
  await first.engine.apply({ upserts: [{ ...before, drain: 'closed' }], removals: [] }, new AbortController().signal)

  const second = start()
  second.sees(node({ unschedulable: true }))
  await expect.poll(() => second.speaker.state.drain, soon).toBe('closed')
  await expect.poll(() => second.speaker.state.pending, soon).toBe(0)
  expect(second.session()?.drain).toBe('closed')
  second.sees(node())
  await expect.poll(() => second.session()?.drain, soon).toBe('none')
})

test('on a node that drains already, what was never announced is not announced first', async () => {
  api.store.put(PEERS, peer())
  const { sees, session } = start()
  sees(node({ leaving: true }))
  await expect.poll(() => session()?.drain, soon).toBe('closed')
})

test('a drain of a node with a session begins with a word to the neighbour', async () => {
  api.store.put(PEERS, peer())
  const { sees, session } = start()
  sees(node())
  await expect.poll(() => session()?.drain, soon).toBe('none')
  sees(node({ unschedulable: true }))
  await expect.poll(() => session()?.drain, soon).toBe('discouraged')
})

test('a BIRD that cannot be started is a finding of the node, until it can', async () => {
  api.store.put(PEERS, peer())
  bird.fault = () => {
    throw new FairwayError(BGP_DAEMON_NOT_STARTED, 'BIRD cannot be started: there is none.')
  }
  const { sees, speaker } = start()
  sees(node())
  await expect.poll(() => names(speaker), soon).toContain('BGP_DAEMON_NOT_STARTED')
  expect(speaker.findings.find(({ code }) => code === BGP_DAEMON_NOT_STARTED)?.subjects).toEqual(['node/n1'])
  expect(speaker.state.error).toContain('there is none')
  bird.fault = undefined
  await expect.poll(() => names(speaker), soon).not.toContain('BGP_DAEMON_NOT_STARTED')
})

test('a session that BIRD refuses is a finding of its peer, and others work', async () => {
  api.store.put(PEERS, peer())
  api.store.put(PEERS, peer('bad', '192.0.2.66'))
  bird.refuses = /192\.0\.2\.66/
  const { sees, speaker, session } = start()
  sees(node())
  await expect.poll(() => session()?.peerAddress, soon).toBe('192.0.2.1')
  await expect.poll(() => names(speaker), soon).toContain('BGP_CONFIG_REFUSED')
  const found = speaker.findings.find(({ code }) => code.name === 'BGP_CONFIG_REFUSED')
  expect(found?.subjects).toEqual(['bgppeer/default/bad'])
  expect(found?.message).toMatch(/^Node n1: /)
})

test('a mistake of the planner reaches nobody who carries packets', async () => {
  const broken = { entries: new Map(), findings: [] } as unknown as BgpPlanner
  const { sees, kept } = start(broken)
  await expect.poll(() => api.watching, soon).toBeGreaterThan(5)
  expect(() => sees(node())).not.toThrow()
  await expect.poll(() => kept, soon).toEqual([[]])
})
