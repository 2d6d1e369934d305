/** Conditions of settings, written by several agents, against the lab's API server. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Verdict, verdictsOf } from '../../src/agent/bgp/acceptance.ts'
import { AcceptanceWriter, placeOf } from '../../src/agent/bgp/acceptance-writer.ts'
import { type BgpConfigStore, startBgpConfig } from '../../src/kube/bgp-config.ts'
import { BGP_PEERS } from '../../src/kube/bgp-resources.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import { applyDefinitions, shippedDefinitions } from '../../src/lab/crds.ts'

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7']
let server: TestServer
let client: KubeClient
let stop: AbortController
let store: BgpConfigStore
beforeAll(async () => {
  server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
  await applyDefinitions(client, shippedDefinitions() ?? '')
  await client.create(BGP_PEERS, {
    metadata: { namespace: 'default', name: 'tor' },
    spec: { myASN: 64513, peerASN: 64512, peerAddress: '192.168.0.1' },
  } as KubeObject)
})
afterAll(async () => {
  client.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  stop = new AbortController()
  store = startBgpConfig({ client, signal: stop.signal, onChange: () => undefined })
  await store.synced
})
afterEach(() => stop.abort())

interface Agents {
  readonly writers: ReadonlyMap<string, AcceptanceWriter>
  readonly writes: string[]
  nowInMs: number
}

function agents(): Agents {
  const made: Agents = { writers: new Map(), writes: [], nowInMs: 0 }
  for (const node of NODES) {
    const counting: KubeClient = {
      ...client,
      patch: (...call) => {
        made.writes.push(node)
        return client.patch(...call)
      },
    }
    const options = { client: counting, node, signal: stop.signal, nodes: () => NODES, nowInMs: () => made.nowInMs }
    ;(made.writers as Map<string, AcceptanceWriter>).set(node, new AcceptanceWriter(options))
  }
  return made
}
const inLine = (subject: string) => NODES.toSorted((a, b) => placeOf(a, subject, NODES) - placeOf(b, subject, NODES))
async function allWant({ writers }: Agents, verdicts: readonly Verdict[], but = ''): Promise<void> {
  for (const [node, writer] of writers) {
    if (node === but) continue
    writer.want(verdicts)
    await writer.settled()
  }
}
const verdicts = () => verdictsOf({ config: store.config, sources: store.sources, findings: store.findings })
async function conditions() {
  const peer = await client.get(BGP_PEERS, { namespace: 'default', name: 'tor' })
  return (peer as { status?: { conditions?: { status: string; observedGeneration: number }[] } }).status?.conditions
}

test('one agent writes that an object is accepted; when it does not, the next in line does', async () => {
  const [first = '', second = ''] = inLine('bgppeer/default/tor')
  const one = agents()
  const [verdict] = verdicts()
  expect(verdict).toMatchObject({ subject: 'bgppeer/default/tor', condition: { holds: true, reason: 'Accepted', message: '' } })
  await allWant(one, verdicts(), first)
  one.nowInMs = 1_999
  await allWant(one, verdicts(), first)
  expect(one.writes).toEqual([])
  one.nowInMs = 2_000
  await allWant(one, verdicts(), first)
  expect(one.writes).toEqual([second])
  expect(await conditions()).toMatchObject([{ type: 'Accepted', status: 'True', observedGeneration: 1 }])

  const other = agents()
  await allWant(other, [
    { ...(verdict as Verdict), condition: { type: 'Accepted', holds: false, reason: 'NO', message: 'Not so.' } },
  ])
  expect(other.writes).toEqual([first])
  expect(await conditions()).toMatchObject([{ status: 'False', reason: 'NO', message: 'Not so.' }])
})

test('the same is not written again and again, though it may never be seen', async () => {
  const [verdict] = verdicts() as [Verdict]
  const unseen = { ...verdict, source: { ...verdict.source, conditions: [] } }
  const all = agents()
  for (all.nowInMs = 0; all.nowInMs < 60_000; all.nowInMs += 10_000) await allWant(all, [unseen])
  expect(all.writes.filter((node) => node === inLine(verdict.subject)[0])).toHaveLength(1)
})

test('nothing is written where it stands already', async () => {
  const [verdict] = verdicts() as [Verdict]
  const { type, holds, reason, message } = verdict.condition
  const there = { type, status: holds ? 'True' : 'False', reason, message, observedGeneration: verdict.source.generation }
  const all = agents()
  all.nowInMs = 100_000
  await allWant(all, [{ ...verdict, source: { ...verdict.source, conditions: [there] } }])
  expect(all.writes).toEqual([])
})

test('an object that cannot be used is not accepted, and the message says why', async () => {
  const found = {
    code: { name: 'BGP_ENTRY_INVALID', severity: 'error' },
    subjects: ['bgppeer/default/tor'],
    message: 'Bad.',
    fix: '',
  }
  const [verdict] = verdictsOf({ config: store.config, sources: store.sources, findings: [found as never] })
  expect(verdict?.condition).toEqual({ type: 'Accepted', holds: false, reason: 'BGP_ENTRY_INVALID', message: 'Bad.' })
})
