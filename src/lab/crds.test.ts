import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createClient, type KubeClient } from '../kube/client.ts'
import { startTestServer, type TestServer } from './apiserver/testing.ts'
import { applyDefinitions, readDefinitions, shippedDefinitions } from './crds.ts'

const GOLDEN = fileURLToPath(new URL('../../test/golden/crds', import.meta.url))
const NAMES = ['httproutes.gateway.networking.k8s.io', 'ipaddresspools.metallb.io', 'bgppeers.metallb.io']

let server: TestServer
let client: KubeClient
let folder = ''
beforeAll(async () => {
  server = await startTestServer()
  client = createClient({
    server: server.url,
    insecure: false,
    namespace: 'default',
    source: 'test',
    credentials: async () => ({ headers: {} }),
  })
})
afterAll(async () => {
  client.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fwt-crds-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('all definitions of a folder are applied, and served when it is done; again changes nothing', async () => {
  cpSync(GOLDEN, folder, { recursive: true })
  expect(await applyDefinitions(client, folder)).toEqual(NAMES)
  expect((await server.call('GET', '/apis/metallb.io/v1beta1/ipaddresspools')).status).toBe(200)
  const before = server.server.store.version
  expect(await applyDefinitions(client, folder)).toEqual(NAMES)
  expect(server.server.store.version).toBe(before)
})

test('what is no definition is refused before anything is applied', () => {
  cpSync(GOLDEN, folder, { recursive: true })
  writeFileSync(join(folder, 'zz.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n')
  expect(() => readDefinitions(folder)).toThrow('zz.yaml: it holds a ConfigMap where a CustomResourceDefinition should be')
  writeFileSync(join(folder, 'zz.yaml'), 'a: [')
  expect(() => readDefinitions(folder)).toThrow('zz.yaml: ')
})

test('a definition that is refused is named, with the reason', async () => {
  const spec = { group: 'example.com', scope: 'Everywhere', names: { plural: 'as', kind: 'A' }, versions: [] }
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'as.example.com' },
  }
  writeFileSync(join(folder, 'a.json'), JSON.stringify({ ...definition, spec }))
  await expect(applyDefinitions(client, folder)).rejects.toMatchObject({
    message: expect.stringContaining('spec.scope: Unsupported value: "Everywhere": supported values: "Cluster", "Namespaced"'),
  })
})

test('what ships can be applied', async () => {
  const shipped = shippedDefinitions() ?? ''
  expect(shipped).toMatch(/deploy\/crds$/)
  expect(await applyDefinitions(client, shipped)).toEqual(readDefinitions(shipped).map(({ metadata }) => metadata.name))
})
