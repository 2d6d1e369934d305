/** What users ask of BGP, followed from the lab's API server: definitions that come late, Secrets by name. */
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type BgpConfigChange, type BgpConfigStore, startBgpConfig } from '../../src/kube/bgp-config.ts'
import {
  BFD_PROFILES,
  BGP_PEERS,
  BGP_ROUTE_IMPORTS,
  COMMUNITIES,
  NAMESPACES,
  POD_ROUTE_ADVERTISEMENTS,
} from '../../src/kube/bgp-resources.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { BGP_ADVERTISEMENTS, IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/kube/load-balancer-resources.ts'
import { SECRETS } from '../../src/kube/resource.ts'
import type { DataObject } from '../../src/kube/types.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import { applyDefinitions } from '../../src/lab/crds.ts'

const CRDS = fileURLToPath(new URL('../../deploy/crds', import.meta.url))
const TOR = 'metallb-system/tor'

let server: TestServer
let client: KubeClient
let stop: AbortController
let store: BgpConfigStore
let heard: BgpConfigChange[] = []
let wake = () => {}

beforeEach(async () => {
  server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
  await client.create(NAMESPACES, { metadata: { name: 'metallb-system', labels: { team: 'net' } } })
  stop = new AbortController()
  heard = []
})

afterEach(async () => {
  stop.abort()
  await store?.done
  client.close()
  await server[Symbol.asyncDispose]()
})

function start(): BgpConfigStore {
  store = startBgpConfig({
    client,
    signal: stop.signal,
    onChange(changes) {
      heard.push(...changes)
      wake()
    },
  })
  return store
}

/** Resolves when this holds, looked at after every change that is heard. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}

const peer = (name: string, spec: object = {}) => ({
  metadata: { namespace: 'metallb-system', name },
  spec: { myASN: 64513, peerASN: 64512, peerAddress: '192.168.0.1', ...spec },
})
const secret = (name: string, password: string): DataObject & { readonly type: string } => ({
  metadata: { namespace: 'metallb-system', name },
  type: 'kubernetes.io/basic-auth',
  data: { username: '', password: Buffer.from(password).toString('base64') },
})

test('all of it is heard at once, and then what changes', async () => {
  await applyDefinitions(client, CRDS)
  await client.create(BGP_PEERS, peer('tor', { passwordSecret: { name: 'bgp' } }))
  await client.create(SECRETS, secret('bgp', 'hunter2'))
  await client.create(BFD_PROFILES, { metadata: { namespace: 'metallb-system', name: 'fast' }, spec: {} })
  await client.create(COMMUNITIES, { metadata: { namespace: 'metallb-system', name: 'names' }, spec: {} })
  await client.create(POD_ROUTE_ADVERTISEMENTS, { metadata: { name: 'all' }, spec: { nodePodCIDRs: true } })
  await client.create(BGP_ROUTE_IMPORTS, { metadata: { name: 'default' }, spec: { prefixes: [{ cidr: '0.0.0.0/0' }] } })
  const metadata = { namespace: 'metallb-system', name: 'one' }
  await client.create(IP_ADDRESS_POOLS, { metadata, spec: { addresses: ['192.168.9.0/24'] } })
  await client.create(L2_ADVERTISEMENTS, { metadata, spec: {} })
  await client.create(BGP_ADVERTISEMENTS, { metadata, spec: { ipAddressPools: ['one'], aggregationLength: 24 } })
  const { config, synced } = start()
  await synced
  expect(config.pools.get('metallb-system/one')?.spans).toMatchObject([{ first: '192.168.9.0', last: '192.168.9.255' }])
  expect(config.l2Advertisements.get('metallb-system/one')?.interfaces).toEqual([])
  expect(config.bgpAdvertisements.get('metallb-system/one')).toMatchObject({ pools: ['one'], lengths: { ipv4: 24, ipv6: 128 } })
  expect(config.peers.get(TOR)).toMatchObject({ peerPort: 179, password: { secret: 'metallb-system/bgp' } })
  expect(config.secrets.get('metallb-system/bgp')).toEqual({ key: 'metallb-system/bgp', text: 'hunter2', problem: '' })
  expect(config.namespaces.get('metallb-system')?.labels.team).toBe('net')
  expect(config.podRouteAdvertisements.get('all')?.lengths).toEqual({ ipv4: 32, ipv6: 128 })
  const ofBgp = ['bfdProfiles', 'communities', 'namespaces', 'peers', 'podRouteAdvertisements', 'routeImports', 'secrets']
  const kinds = [...ofBgp, 'pools', 'l2Advertisements', 'bgpAdvertisements'].toSorted()
  expect([...new Set(heard.map(({ kind }) => kind))].toSorted()).toEqual(kinds)
  expect(store.sources.get(`bgppeer/${TOR}`)).toMatchObject({ namespace: 'metallb-system', name: 'tor', generation: 1 })
  expect([store.connected, store.findings]).toEqual([true, []])

  heard = []
  await client.delete(BFD_PROFILES, { namespace: 'metallb-system', name: 'fast' })
  await until(() => heard.length > 0)
  expect(heard).toEqual([{ kind: 'bfdProfiles', key: 'metallb-system/fast' }])
  expect(config.bfdProfiles.size).toBe(0)
})

test('definitions that come later are noticed at once, and so is that they go and come again', async () => {
  const { config, synced } = start()
  await synced
  expect(config.peers.size).toBe(0)
  for (const round of [1, 2]) {
    await applyDefinitions(client, CRDS)
    await client.create(BGP_PEERS, peer('tor', { myASN: round }))
    await until(() => config.peers.get(TOR)?.localAs === round)
    await server.call('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgppeers.metallb.io')
    await until(() => config.peers.size === 0)
  }
}, 10_000) // asking for the kind now and then, as who may not read definitions does, takes up to twenty seconds

test('only the Secrets that peers name are read, each by its name, and for as long as it is named', async () => {
  await applyDefinitions(client, CRDS)
  await client.create(SECRETS, secret('other', 'nobody asked'))
  await client.create(BGP_PEERS, peer('tor', { passwordSecret: { name: 'bgp' } }))
  const { config, synced } = start()
  await synced
  const missing = { key: 'metallb-system/bgp', problem: 'the Secret metallb-system/bgp does not exist, or may not be read' }
  expect([...config.secrets.values()]).toEqual([missing])

  await client.create(SECRETS, secret('bgp', 'one'))
  await until(() => config.secrets.get('metallb-system/bgp')?.text === 'one')
  await client.patch(SECRETS, { namespace: 'metallb-system', name: 'bgp' }, { data: secret('', 'two').data }, { type: 'merge' })
  await until(() => config.secrets.get('metallb-system/bgp')?.text === 'two')
  await client.delete(SECRETS, { namespace: 'metallb-system', name: 'bgp' })
  await until(() => config.secrets.get('metallb-system/bgp')?.text === undefined)
  expect([...config.secrets.values()]).toEqual([missing])

  const to = (name: string | null) => ({ spec: { passwordSecret: name === null ? null : { name } } })
  await client.patch(BGP_PEERS, { namespace: 'metallb-system', name: 'tor' }, to('other'), { type: 'merge' })
  await until(() => config.secrets.get('metallb-system/other')?.text === 'nobody asked')
  expect([...config.secrets.keys()]).toEqual(['metallb-system/other'])
  await client.patch(BGP_PEERS, { namespace: 'metallb-system', name: 'tor' }, to(null), { type: 'merge' })
  await until(() => config.secrets.size === 0)
  expect(config.peers.get(TOR)?.password).toBeUndefined()
})

test('an object that cannot be used is a finding, the others are in use; a condition that is written is no change', async () => {
  await applyDefinitions(client, CRDS)
  await client.create(BGP_PEERS, peer('red', { vrf: 'red' }))
  await client.create(BGP_PEERS, peer('tor'))
  const { config, synced } = start()
  await synced
  expect([...config.peers.keys()]).toEqual([TOR])
  expect(store.findings.map(({ subjects }) => subjects)).toEqual([['bgppeer/metallb-system/red']])
  expect(store.sources.has('bgppeer/metallb-system/red')).toBe(true)

  heard = []
  const said = { type: 'Accepted', status: 'True', reason: 'Used', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
  const name = { namespace: 'metallb-system', name: 'tor' }
  await client.patch(BGP_PEERS, name, { status: { conditions: [said] } }, { type: 'merge', subresource: 'status' })
  await client.patch(BGP_PEERS, { ...name, name: 'red' }, { spec: { vrf: '' } }, { type: 'merge' })
  await until(() => heard.length > 0)
  expect(heard).toEqual([{ kind: 'peers', key: 'metallb-system/red' }])
  expect(store.findings).toEqual([])
  expect(store.sources.get(`bgppeer/${TOR}`)?.conditions).toMatchObject([{ type: 'Accepted', status: 'True' }])
})
