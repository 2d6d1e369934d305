/** What a real server answered to bad and odd requests, asked of ours in the same order. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing.ts'

interface Recorded {
  readonly method: string
  readonly path: string
  readonly request?: unknown
  readonly ct?: string
  readonly status: number
  readonly body: unknown
  readonly warning?: string
}

const recorded = JSON.parse(
  readFileSync(new URL('../../../test/golden/kubernetes-1.36/errors/errors.json', import.meta.url), 'utf8'),
) as Record<string, Recorded>

const ADDRESS_OF_E1 = '10.101.106.103'
const UID_OF_E1 = '9395e51b-579c-4e35-9851-00ec4e2594ed'

/** Numbers and ids that differ from run to run. */
function steady(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
    .replaceAll(/current: \d+|in record \(\d+\)|resourceVersion\\*":\\*"\d+/g, 'VERSION')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
    .replaceAll(/10\.\d+\.\d+\.\d+(?!\/)/g, 'ADDRESS')
}

const isStatus = (body: unknown): boolean => typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'

describe('requests recorded from a real server', () => {
  let server: TestServer
  let e1 = { uid: '', address: '' }
  beforeAll(async () => {
    server = await startTestServer()
    const service = {
      metadata: { name: 'e1' },
      spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30718 }] },
    }
    const { body } = await server.call('POST', '/api/v1/namespaces/default/services', service)
    e1 = { uid: body.metadata.uid, address: body.spec.clusterIP }
    await server.call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: 'web' },
      spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] },
    })
    const template = { metadata: { labels: { app: 'api' } }, spec: { containers: [{ name: 'api', image: 'nginx:1.27' }] } }
    await server.call('POST', '/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name: 'api' },
      spec: { replicas: 2, selector: { matchLabels: { app: 'api' } }, template },
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.each(Object.entries(recorded))(
    '%s',
    { timeout: 10_000 },
    async (_name, { method, path, request, ct, status, body, warning }) => {
      const text = typeof request === 'string' ? request : JSON.stringify(request)
      const sent =
        request === undefined || request === null
          ? undefined
          : text?.replaceAll(UID_OF_E1, e1.uid).replaceAll(ADDRESS_OF_E1, e1.address)
      const answer = await server.call(method, path, sent, ct === undefined ? {} : { type: ct })
      expect({ status: answer.status, message: isStatus(body) ? steady(String(answer.body.message)) : undefined }).toEqual({
        status,
        message: isStatus(body) ? steady(String((body as { message: string }).message)) : undefined,
      })
      if (isStatus(body)) expect(steady(JSON.stringify(answer.body))).toBe(steady(JSON.stringify(body)))
      else if (typeof body === 'string') expect(answer.body).toBe(body)
      else expect(answer.body.kind).toBe((body as { kind: string }).kind)
      if (warning !== undefined) expect(answer.headers.get('warning')).toBe(warning)
    },
  )
})
