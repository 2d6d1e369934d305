import { afterEach, expect, test, vi } from 'vitest'
import { aNode, anEndpoint, aService, aSlice, aWorld } from '../../test/support/world.ts'
import type { Conntrack } from '../engine/conntrack/conntrack.ts'
import type { FlowMatch, RecordedFlow } from '../model/flow.ts'
import { changesOf, createPlanner } from '../plan/planner.ts'
import { FlowKeeper } from './flow-keeper.ts'

const ports = [{ name: '', protocol: 'udp', port: 53, nodePort: 0 }] as const
const world = (...addresses: string[]) =>
  aWorld({
    services: [aService('default/dns', { clusterIPs: ['10.96.0.10'], ports })],
    slices: [
      aSlice('default/dns-1', 'default/dns', {
        ports: [{ name: '', protocol: 'udp', port: 53 }],
        endpoints: addresses.map((address) => anEndpoint(address)),
      }),
    ],
    nodes: [aNode('n1')],
  })

const client = { address: '10.244.1.9', port: 4000 }
const toLost: RecordedFlow = {
  family: 'ipv4',
  source: client,
  destination: { address: '10.96.0.10', port: 53 },
  server: { address: '10.244.1.99', port: 53 },
  reply: client,
}

/** A kernel in memory with one flow to an endpoint that nobody knows any more. */
class MemoryConntrack implements Conntrack {
  readonly forgotten: string[] = []
  lists = 0
  fail = false

  list(): Promise<readonly RecordedFlow[]> {
    this.lists++
    return this.fail ? Promise.reject(new Error('no such module')) : Promise.resolve([toLost])
  }

  forget(stale: readonly FlowMatch[]): Promise<void> {
    if (this.fail) return Promise.reject(new Error('no such module'))
    for (const { server } of stale) this.forgotten.push(typeof server === 'string' ? server : server.address)
    return Promise.resolve()
  }
}

const closers: (() => void)[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const close of closers.splice(0)) close()
})

function setUp(carries = true) {
  const conntrack = new MemoryConntrack()
  const planner = createPlanner('n1')
  const onFinding = vi.fn()
  const keeper = new FlowKeeper({
    node: 'n1',
    conntrack,
    targets: planner.udp,
    addressesHere: () => new Set(),
    carries: () => carries,
    onFinding,
    retryInMs: 1_000,
  })
  closers.push(() => keeper.close())
  const plan = (...addresses: string[]) => {
    const next = world(...addresses)
    planner.update(next, changesOf(next))
    keeper.note()
  }
  return { conntrack, keeper, plan, onFinding }
}

test('looks at all flows once, then knows what became stale, and waits for the rules', async () => {
  const { conntrack, keeper, plan } = setUp()
  plan('10.244.1.2', '10.244.1.3')
  expect(conntrack.lists).toBe(0)
  keeper.programmed()
  await keeper.settled()
  expect(conntrack.forgotten).toEqual(['10.244.1.99'])
  plan('10.244.1.3')
  expect(conntrack.forgotten.length).toBe(1)
  keeper.programmed()
  await keeper.settled()
  expect(conntrack.forgotten).toEqual(['10.244.1.99', '10.244.1.2'])
  keeper.programmed()
  await keeper.settled()
  expect(conntrack.lists).toBe(1)
})

test('what another proxy serves is left alone', async () => {
  const { conntrack, keeper, plan } = setUp(false)
  plan('10.244.1.2', '10.244.1.3')
  keeper.programmed()
  await keeper.settled()
  plan('10.244.1.3')
  keeper.programmed()
  await keeper.settled()
  expect(conntrack.forgotten).toEqual([])
})

test('a failure is a finding, and all flows are looked at again later', async () => {
  vi.useFakeTimers()
  const { conntrack, keeper, plan, onFinding } = setUp()
  conntrack.fail = true
  plan('10.244.1.2')
  keeper.programmed()
  await keeper.settled()
  expect(keeper.findings.map(({ code }) => code.code)).toEqual(['FW0305'])
  keeper.programmed() // not a storm of tries while it fails
  expect(conntrack.lists).toBe(1)
  conntrack.fail = false
  await vi.advanceTimersByTimeAsync(1_000)
  await keeper.settled()
  expect(conntrack.forgotten).toEqual(['10.244.1.99'])
  expect(keeper.findings).toEqual([])
  expect(onFinding).toHaveBeenCalledTimes(2)
})
