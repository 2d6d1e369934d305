/** The shipped definitions against the lab's API server, whose rules are those of a real one. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import { applyDefinitions } from '../../src/lab/crds.ts'
import { ACCEPTED, CRDS, type CrdObject, FIXED, REFUSED, shippedSentences } from '../support/crd-cases.ts'

let server: TestServer
let client: KubeClient
beforeAll(async () => {
  server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
  await applyDefinitions(client, CRDS)
})
afterAll(async () => {
  client.close()
  await server[Symbol.asyncDispose]()
})

/** What a server adds when a rule could not be looked at, because a field has no sound value. */
const UNCHECKED = /some validation rules were not checked because the object was invalid|evaluating rule: /
const PLURALS: Readonly<Record<string, string>> = { Community: 'communities' }

function pathOf({ apiVersion, kind, metadata: { namespace } }: CrdObject): string {
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`
  return `/apis/${apiVersion}${scope}/${PLURALS[kind] ?? `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`}`
}

test('samples are accepted, with every field known', async () => {
  for (const object of ACCEPTED) {
    const { status, body } = await server.call('POST', `${pathOf(object)}?fieldValidation=Strict`, object)
    expect([status, body.message], object.metadata.name).toEqual([201, undefined])
  }
})

test.each(REFUSED)('$object.kind $object.spec is refused: $sentence', async ({ object, sentence }) => {
  const { status, body } = await server.call('POST', `${pathOf(object)}?fieldValidation=Strict`, object)
  expect(status).toBe(422)
  expect(body.message).toContain(sentence)
  const causes = (body.details.causes as { readonly message: string }[]).filter(({ message }) => !UNCHECKED.test(message))
  expect(causes, 'nothing else is wrong with it').toHaveLength(1)
})

test.each(FIXED)('$spec of $name stays as it is: $sentence', async ({ kind, name, spec, sentence }) => {
  const object = ACCEPTED.find((one) => one.kind === kind && one.metadata.name === name) as CrdObject
  const type = 'application/merge-patch+json'
  const { status, body } = await server.call('PATCH', `${pathOf(object)}/${name}`, { spec }, { type })
  expect([status, body.message]).toEqual([422, expect.stringContaining(sentence)])
})

test('every rule that is shipped has its case', () => {
  const held = new Set([...REFUSED, ...FIXED].map(({ sentence }) => sentence))
  expect([...shippedSentences()].filter((sentence) => !held.has(sentence))).toEqual([])
})

test('a peer of v1beta1 is read as v1beta2', async () => {
  const { body } = await server.call('GET', '/apis/metallb.io/v1beta2/namespaces/default/bgppeers/old')
  expect(body.spec).toMatchObject({ holdTime: '9s', peerPort: 179, dualStackAddressFamily: false })
})
