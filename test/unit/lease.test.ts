import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { standForElection } from '../../src/kube/lease.ts'
import { LEASES } from '../../src/kube/resource.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'

const PLACE = { namespace: 'kube-system', name: 'fairway-controller' }

let server: TestServer
let client: KubeClient
let stop: AbortController
let ended: Promise<unknown>[]
beforeEach(async () => {
  server = await startTestServer()
  client = createClient({
    ...{ server: server.url, insecure: false, namespace: 'default', source: 'test' },
    credentials: async () => ({ headers: {} }),
  })
  stop = new AbortController()
  ended = []
})
afterEach(async () => {
  stop.abort()
  await Promise.all(ended)
  client.close()
  await server[Symbol.asyncDispose]()
})

/** A candidate whose terms can be awaited one by one. */
function candidate(identity: string, own: KubeClient = client) {
  const quit = new AbortController()
  let begin = Promise.withResolvers<AbortSignal>()
  const terms: Promise<AbortSignal>[] = [begin.promise]
  ended.push(
    standForElection({
      ...{ client: own, ...PLACE, identity, signal: AbortSignal.any([stop.signal, quit.signal]) },
      ...{ durationInMs: 1_000, renewWithinInMs: 600, retryInMs: 50 },
      lead: async (signal) => {
        begin.resolve(signal)
        begin = Promise.withResolvers()
        terms.push(begin.promise)
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    }),
  )
  return { quit: () => quit.abort(), term: (at = 0) => terms[at] as Promise<AbortSignal> }
}
const holder = async () => (await client.get(LEASES, PLACE)).spec?.holderIdentity
const aborted = (signal: AbortSignal) =>
  signal.aborted ? Promise.resolve() : new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

test('one of two leads; when it ends it gives the Lease back, and the other leads', async () => {
  const first = candidate('a')
  const leading = await first.term()
  const second = candidate('b')
  expect(await holder()).toBe('a')
  let both = false
  void second.term().then(() => {
    both = !leading.aborted
  })
  first.quit()
  await second.term()
  expect([both, await holder()]).toEqual([false, 'b'])
  expect((await client.get(LEASES, PLACE)).spec?.leaseTransitions).toBeGreaterThan(0)
})

test('a Lease that is not renewed for its duration is taken; one that is renewed is not', async () => {
  const stale = '2020-01-01T00:00:00.000000Z'
  const spec = { holderIdentity: 'dead', leaseDurationSeconds: 1, acquireTime: stale, renewTime: stale, leaseTransitions: 3 }
  await client.create(LEASES, { metadata: PLACE, spec })
  const beganAtInMs = performance.now()
  await candidate('a').term()
  // how long it was silent is counted from when it was first seen, whatever its renewTime says
  expect(performance.now() - beganAtInMs).toBeGreaterThan(950)
  expect((await client.get(LEASES, PLACE)).spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 4 })
})

test('who comes back under its own identity leads at once', async () => {
  await client.create(LEASES, { metadata: PLACE, spec: { holderIdentity: 'a', leaseDurationSeconds: 3600 } })
  await candidate('a').term()
  expect((await client.get(LEASES, PLACE)).spec?.leaseTransitions).toBe(0)
})

test('whose Lease is stolen stops leading, and stands again', async () => {
  const one = candidate('a')
  const signal = await one.term()
  const patch = { spec: { holderIdentity: 'thief', leaseDurationSeconds: 1 } }
  await client.patch(LEASES, PLACE, patch, { type: 'merge' })
  await aborted(signal)
  await one.term(1)
  expect(await holder()).toBe('a')
})

test('who cannot reach the server stops leading in time', async () => {
  const far = await startTestServer()
  const other = createClient({
    ...{ server: far.url, insecure: false, namespace: 'default', source: 'test' },
    credentials: async () => ({ headers: {} }),
  })
  const signal = await candidate('a', other).term()
  await far[Symbol.asyncDispose]()
  await aborted(signal)
  expect(signal.aborted).toBe(true)
})
