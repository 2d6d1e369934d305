/** With a server that refuses and fails on purpose; test/unit/bgp-config.test.ts has the lab's. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type BgpConfigChange, type BgpConfigStore, startBgpConfig } from './bgp-config.ts'
import { createClient, type KubeClient } from './client.ts'
import { FakeApi } from './fake/fake-api.ts'

const PEERS = '/apis/metallb.io/v1beta2/bgppeers'
const SECRETS = '/api/v1/namespaces/net/secrets'
const spec = { myASN: 64513, peerASN: 64512, peerAddress: '192.168.0.1', passwordSecret: { name: 'bgp' } }
const secret = {
  metadata: { namespace: 'net', name: 'bgp' },
  type: 'kubernetes.io/basic-auth',
  data: { password: Buffer.from('hunter2').toString('base64') },
}

let api: FakeApi
let client: KubeClient
let stop: AbortController
let wake = () => {}
beforeEach(async () => {
  api = new FakeApi()
  await api.listen()
  client = createClient(api.config)
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  client.close()
  await api.close()
})

function start(heard: BgpConfigChange[] = []): BgpConfigStore {
  return startBgpConfig({
    ...{ client, signal: stop.signal, reflector: { backoff: { firstInMs: 1, maxInMs: 4 } } },
    onChange(changes) {
      heard.push(...changes)
      wake()
    },
  })
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}

test('a server that shows neither Secrets nor definitions: peers are known, the password is missing until it is shown', async () => {
  api.store.put(PEERS, { metadata: { namespace: 'net', name: 'tor' }, spec })
  api.store.put(SECRETS, secret)
  let refused = /secrets|customresourcedefinitions|podroute/
  api.fault = (_, { pathname }) => (refused.test(pathname) ? { kind: 'status', status: 403 } : undefined)
  const { config, synced } = start()
  await synced
  expect([...config.peers.keys()]).toEqual(['net/tor'])
  expect(config.secrets.get('net/bgp')).toEqual({
    key: 'net/bgp',
    problem: 'the Secret net/bgp does not exist, or may not be read',
  })
  refused = /customresourcedefinitions/
  await until(() => config.secrets.get('net/bgp')?.text === 'hunter2')
})

test('a Secret is asked for by its name alone, in its namespace, and no more when nobody names it', async () => {
  api.store.put(PEERS, { metadata: { namespace: 'net', name: 'tor' }, spec })
  api.store.put(PEERS, { metadata: { namespace: 'net', name: 'tor-2' }, spec })
  api.store.put(SECRETS, secret)
  const { config, synced } = start()
  await synced
  const asked = api.requests.map((request) => new URL(request.replace(/^GET /, ''), 'http://fake'))
  const secrets = asked.filter(({ pathname }) => pathname.endsWith('/secrets'))
  expect(secrets.map(({ pathname, searchParams }) => [pathname, searchParams.get('fieldSelector')])).toEqual([
    [SECRETS, 'metadata.name=bgp'],
  ])
  const watching = api.watching
  api.store.remove(PEERS, 'net/tor')
  await until(() => config.peers.size === 1)
  expect(config.secrets.get('net/bgp')?.text).toBe('hunter2')
  api.store.remove(PEERS, 'net/tor-2')
  await until(() => config.secrets.size === 0)
  await expect.poll(() => api.watching, { interval: 5 }).toBe(watching - 1)
})

test('what broke on the way is made up for, and heard once', async () => {
  api.store.put(PEERS, { metadata: { namespace: 'net', name: 'tor' }, spec })
  api.store.put(SECRETS, secret)
  const heard: BgpConfigChange[] = []
  const { config, synced } = start(heard)
  await synced
  heard.length = 0
  await api.close()
  api.store.put(PEERS, { metadata: { namespace: 'net', name: 'tor' }, spec: { ...spec, myASN: 1 } })
  api.store.put(SECRETS, { ...secret, data: { password: Buffer.from('other').toString('base64') } })
  api.store.compact()
  await api.listen(api.port)
  await until(() => config.peers.get('net/tor')?.localAs === 1 && config.secrets.get('net/bgp')?.text === 'other')
  expect(heard.toSorted((a, b) => a.kind.localeCompare(b.kind))).toEqual([
    { kind: 'peers', key: 'net/tor' },
    { kind: 'secrets', key: 'net/bgp' },
  ])
})
