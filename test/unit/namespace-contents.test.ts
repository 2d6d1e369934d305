/** What every namespace holds, made by the controllers through the API. */
import { expect, test } from 'vitest'
import { createClient } from '../../src/kube/client.ts'
import { startTestServer } from '../../src/lab/apiserver/testing.ts'
import { startNamespaceContents } from '../../src/lab/controllers/namespace-contents-loop.ts'

test('namespaces get their account and authority, also later, also again, and can still be deleted', async () => {
  await using server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  const client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
  const stop = new AbortController()
  try {
    await startNamespaceContents(client, 'PEM', stop.signal)
    const status = async (path: string) => (await server.call('GET', `/api/v1/namespaces/${path}`)).status
    await expect.poll(() => status('default/serviceaccounts/default'), { interval: 10 }).toBe(200)
    await expect.poll(() => status('kube-system/configmaps/kube-root-ca.crt'), { interval: 10 }).toBe(200)
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'later' } })
    await expect.poll(() => status('later/configmaps/kube-root-ca.crt'), { interval: 10 }).toBe(200)
    const { body } = await server.call('GET', '/api/v1/namespaces/later/configmaps/kube-root-ca.crt')
    expect(body.data).toEqual({ 'ca.crt': 'PEM' })
    await server.call('DELETE', '/api/v1/namespaces/later/serviceaccounts/default')
    await expect.poll(() => status('later/serviceaccounts/default'), { interval: 10 }).toBe(200)
    await server.call('DELETE', '/api/v1/namespaces/later')
    await expect.poll(() => status('later'), { interval: 10 }).toBe(404)
  } finally {
    stop.abort()
    client.close()
  }
})
