import { afterAll, beforeAll, expect, test } from 'vitest'
import { LeaseStandIn } from '../../src/agent/l2/lease-stand-in.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { LEASES } from '../../src/kube/resource.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'

let server: TestServer
let client: KubeClient
const stop = new AbortController()
beforeAll(async () => {
  server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
})
afterAll(async () => {
  stop.abort()
  client.close()
  await server[Symbol.asyncDispose]()
})

test('a Lease vouches when it was renewed since it was last read, and who hears everybody writes none', async () => {
  const silent: Record<string, readonly string[]> = { n1: [], n2: ['n1'] }
  const vouched: string[] = []
  const [one, two] = ['n1', 'n2'].map((node) => {
    const onVouched = (peer: string) => void vouched.push(`${node} for ${peer}`)
    return new LeaseStandIn({ client, node, signal: stop.signal, silent: () => silent[node] ?? [], onVouched })
  })
  const leases = async () => (await client.list(LEASES)).items.map(({ metadata }) => metadata.name).toSorted()
  await one?.look()
  expect(await leases()).toEqual([])
  await two?.look()
  await two?.look()
  expect([await leases(), vouched]).toEqual([['fairway-l2-n2'], []])
  silent.n1 = ['n2']
  await one?.look() // what it finds may be old
  expect(vouched).toEqual([])
  await two?.look()
  expect(vouched).toEqual(['n2 for n1'])
  await one?.look()
  expect(vouched).toEqual(['n2 for n1', 'n1 for n2'])
})
