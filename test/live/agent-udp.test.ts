/**
 * UDP clients that go on sending from one port while the pods of a Service come and go, with the agent and the kernel's conntrack. The names are those of the Kubernetes e2e suite.
 * Source: kubernetes test/e2e/network/conntrack.go.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Agent } from '../../src/agent/agent.ts'
import { createConntrack } from '../../src/engine/conntrack/conntrack.ts'
import { createNftablesEngine, type NftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createClient } from '../../src/kube/client.ts'
import { FakeApi } from '../../src/kube/fake/fake-api.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import { inNetns, netnsPath } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { type TestHost, TestNet } from './datapath/net.ts'

const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'
const net = new TestNet('fwt-au')
const api = new FakeApi()
const stop = new AbortController()
let engine: NftablesEngine
let agent: Agent
let node: TestHost

beforeAll(async () => {
  await net.up()
  node = net.nodes[0] as TestHost
  for (const id of [10, 11, 12]) await net.serve(await net.addPod(0, id), 8080)
  await api.listen()
  const addresses = [node.ipv4, node.ipv6].map((address) => ({ type: 'InternalIP', address }))
  const podCIDRs = ['10.244.1.0/24', 'fd00:244:1::/64']
  api.store.put('/api/v1/nodes', { metadata: { name: 'n1' }, spec: { podCIDRs }, status: { addresses } } as KubeObject)
  api.store.put('/api/v1/services', {
    metadata: { namespace: 'default', name: 'udp' },
    spec: {
      type: 'NodePort',
      clusterIPs: ['10.96.0.10', 'fd00:96::a'],
      ipFamilies: ['IPv4', 'IPv6'],
      ports: [{ port: 80, nodePort: 30080, protocol: 'UDP' }],
    },
  } as KubeObject)
  engine = createNftablesEngine({ netns: netnsPath(node.ns) })
  const client = createClient(api.config)
  agent = new Agent({
    node: 'n1',
    client,
    engine,
    conntrack: createConntrack({ netns: netnsPath(node.ns) }),
    signal: stop.signal,
  })
})
afterAll(async () => {
  stop.abort()
  await agent?.stop()
  await engine?.close()
  await api.close()
  await net.down()
})

type Condition = 'ready' | 'starting' | 'terminating'

/** States the endpoints, by the last part of their pods' addresses, in both families. */
function endpoints(of: Readonly<Record<number, Condition>>): void {
  for (const [type, prefix] of [
    ['IPv4', '10.244.1.'],
    ['IPv6', 'fd00:244:1::'],
  ] as const) {
    const metadata = { namespace: 'default', name: `udp-${type}`, labels: { 'kubernetes.io/service-name': 'udp' } }
    const list = Object.entries(of).map(([id, condition]) => {
      const [ready, terminating] = [condition === 'ready', condition === 'terminating']
      return { addresses: [`${prefix}${id}`], nodeName: 'n1', conditions: { ready, serving: ready || terminating, terminating } }
    })
    const ports = [{ name: '', port: 8080, protocol: 'UDP' }]
    api.store.put(SLICES, { metadata, addressType: type, endpoints: list, ports } as KubeObject)
  }
}

/** Asks again from the same port until the answer is from one of the servers; returns it. Its own limit is the test's. */
async function answersFrom(from: TestHost, line: string, servers: readonly string[]): Promise<string> {
  for (;;) {
    const [answer = ''] = await net.probe(from, [line])
    const server = answer.split(' ')[0] ?? ''
    if (servers.includes(server)) return server
  }
}

async function allAnswer(lines: readonly string[], servers: readonly string[]): Promise<void> {
  const fromThem = (answer: string) => servers.includes(answer.split(' ')[0] ?? '')
  while (!(await net.probe(net.client, lines)).every(fromThem));
}

let sourcePort = 40_000
beforeEach(async () => {
  await agent.ready
  sourcePort += 10
})

const WAYS = [
  ['NodePort', (host: TestHost) => `${host.ipv4} 30080`],
  ['NodePort, IPv6', (host: TestHost) => `${host.ipv6} 30080`],
  ['ClusterIP', () => '10.96.0.10 80'],
  ['ClusterIP, IPv6', () => 'fd00:96::a 80'],
] as const

describe.each(WAYS)('%s', (_, to) => {
  test('should be able to preserve UDP traffic when server pod cycles', async () => {
    const line = `udp ${to(node)} ${sourcePort}`
    endpoints({ 10: 'ready' })
    await answersFrom(net.client, line, ['p1-10'])
    endpoints({ 10: 'terminating', 11: 'ready' })
    await answersFrom(net.client, `udp ${to(node)} ${sourcePort + 1}`, ['p1-11']) // new flows go to the new pod
    expect(await net.probe(net.client, [line])).toEqual([expect.stringMatching(/^p1-10 /)]) // the known one stays while it is served
    endpoints({ 11: 'ready' })
    await answersFrom(net.client, line, ['p1-11'])
    endpoints({ 12: 'ready' })
    await answersFrom(net.client, line, ['p1-12'])
  })

  test('should be able to preserve UDP traffic when initial unready endpoints get ready', async () => {
    const line = `udp ${to(node)} ${sourcePort}`
    endpoints({ 10: 'starting' })
    await answersFrom(net.client, line, ['refused'])
    endpoints({ 10: 'ready' })
    await answersFrom(net.client, line, ['p1-10'])
  })

  test('other clients stay where they are', async () => {
    endpoints({ 10: 'ready', 11: 'ready' })
    const lines = Array.from({ length: 8 }, (_each, index) => `udp ${to(node)} ${sourcePort + index}`)
    await allAnswer(lines, ['p1-10', 'p1-11'])
    const before = await net.probe(net.client, lines)
    endpoints({ 11: 'ready', 12: 'ready' })
    const moved = lines.filter((_line, index) => before[index]?.startsWith('p1-10'))
    await allAnswer(moved, ['p1-11', 'p1-12'])
    const after = await net.probe(net.client, lines)
    expect(after.filter((_answer, index) => before[index]?.startsWith('p1-11'))).toEqual(
      before.filter((answer) => answer.startsWith('p1-11')),
    )
  })
})

test('flows to endpoints that left while no agent ran are forgotten when the next one comes', async () => {
  endpoints({ 10: 'ready' })
  const line = `udp 10.96.0.10 80 ${sourcePort}`
  await answersFrom(net.client, line, ['p1-10'])
  const before = new AbortController()
  const stale = async () =>
    (await createConntrack({ netns: netnsPath(node.ns) }).list()).filter(({ source }) => source.port === sourcePort)
  expect((await stale()).map(({ server }) => server.address)).toEqual(['10.244.1.10'])
  // an agent of another life: it knows nothing of this one's flows
  const dead = 4_321
  await run(
    inNetns(node.ns, [
      'conntrack',
      '-I',
      '-p',
      'udp',
      '-s',
      '192.168.77.1',
      '-d',
      '10.96.0.10',
      '-r',
      '10.244.1.77',
      '-q',
      '192.168.77.1',
      '--sport',
      String(dead),
      '--dport',
      '80',
      '--reply-port-src',
      '8080',
      '--reply-port-dst',
      String(dead),
      '-t',
      '100',
    ]),
  )
  const second = createNftablesEngine({ netns: netnsPath(node.ns) })
  const next = new Agent({
    node: 'n1',
    client: createClient(api.config),
    engine: second,
    conntrack: createConntrack({ netns: netnsPath(node.ns) }),
    signal: before.signal,
  })
  await next.ready
  const flows = async () => (await createConntrack({ netns: netnsPath(node.ns) }).list()).map(({ source }) => source.port)
  while ((await flows()).includes(dead)) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await flows()).toContain(sourcePort)
  before.abort()
  await next.stop()
  await second.close()
})
