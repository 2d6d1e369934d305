/** The forms that one object is answered in, beside what a real server answered. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readRecorded } from './kinds/recorded.ts'
import { startTestServer, type TestServer } from './testing.ts'

interface Row {
  readonly cells: readonly unknown[]
  readonly object: { readonly kind: string; readonly apiVersion: string; readonly metadata: { readonly name: string } } | null
}

interface Variants {
  readonly None: { readonly row0: Row }
  readonly Metadata: { readonly row0: Row }
  readonly Object: { readonly row0: Row }
  readonly Bogus: { readonly status: number; readonly body: unknown }
  readonly v1beta1: string
  readonly partialList: { readonly metadata: object; readonly items: readonly Row['object'][] }
  readonly notAcceptable: { readonly status: number; readonly body: unknown }
  readonly yaml: string
  readonly cbor: { readonly status: number; readonly ct: string }
  readonly watchTable: { readonly events: readonly { readonly type: string; readonly object: { columnDefinitions: unknown } }[] }
}

const recorded = readRecorded<Variants>('tables/variants.json')
const SERVICES = '/api/v1/namespaces/default/services'
const table = (version: string): string => `application/json;as=Table;v=${version};g=meta.k8s.io`

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  const spec = { type: 'NodePort', selector: { app: 'api' }, ports: [{ port: 80, nodePort: 30660 }], clusterIP: '10.106.12.222' }
  for (const name of ['api', 'b', 'c', 'd'])
    await server.call('POST', SERVICES, { metadata: { name }, spec: name === 'api' ? spec : { ports: [{ port: 1 }] } })
})
afterAll(() => server[Symbol.asyncDispose]())

describe('one object', () => {
  test.each(['None', 'Metadata', 'Object'] as const)('a table with includeObject=%s', async (include) => {
    const { body } = await server.call('GET', `${SERVICES}/api?includeObject=${include}`, undefined, { accept: table('v1') })
    const { cells, object } = body.rows[0]
    const { row0 } = recorded[include]
    expect(cells.toSpliced(5, 1)).toEqual(row0.cells.toSpliced(5, 1))
    expect([object?.kind, object?.apiVersion]).toEqual([row0.object?.kind, row0.object?.apiVersion])
    if (include === 'None') expect(object).toBeNull()
  })

  test('includeObject of no meaning', async () => {
    const { status, body } = await server.call('GET', `${SERVICES}/api?includeObject=Bogus`, undefined, { accept: table('v1') })
    expect([status, body]).toEqual([recorded.Bogus.status, recorded.Bogus.body])
  })

  test('forms that nobody offers', async () => {
    const odd = await server.call('GET', `${SERVICES}/api`, undefined, { accept: 'text/html' })
    expect([odd.status, odd.body]).toEqual([recorded.notAcceptable.status, recorded.notAcceptable.body])
    const cbor = await server.call('GET', `${SERVICES}/api`, undefined, { accept: 'application/cbor' })
    expect([cbor.status, cbor.headers.get('content-type')]).toEqual([recorded.cbor.status, recorded.cbor.ct])
  })

  test('YAML, its keys sorted as a real server sorts them', async () => {
    const { body } = await server.call('GET', `${SERVICES}/kubernetes`, undefined, { accept: 'application/yaml' })
    const keys = (text: string): readonly string[] => [...text.matchAll(/^(\w+):/gm)].map(([, key = '']) => key)
    expect(keys(body)).toEqual(keys(recorded.yaml))
    expect(parse(body).spec.clusterIP).toBe('10.96.0.1')
  })
})

describe('many', () => {
  test('a table of the older version', async () => {
    const { body } = await server.call('GET', SERVICES, undefined, { accept: table('v1beta1') })
    expect(body.apiVersion).toBe(recorded.v1beta1)
  })

  test('a page of metadata alone', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
    const { body } = await server.call('GET', `${SERVICES}?limit=1`, undefined, { accept })
    const shape = (list: Variants['partialList']) => ({
      ...list,
      metadata: Object.keys(list.metadata),
      items: list.items.map((item) => [item?.kind, item?.apiVersion, item?.metadata.name]),
    })
    expect(shape(body)).toEqual(shape(recorded.partialList))
    expect(body.metadata.remainingItemCount).toBe(4)
  })

  test('a watch as tables: the first has the columns, the others have none', async () => {
    const events: { type: string; columns: boolean }[] = []
    const columnsOf = ({ type, object }: { type: string; object: { columnDefinitions: unknown } }) => ({
      type,
      columns: object.columnDefinitions !== null,
    })
    for await (const event of server.watch(`${SERVICES}?watch=1&timeoutSeconds=1`, table('v1'))) events.push(columnsOf(event))
    const real = recorded.watchTable.events.map(columnsOf)
    expect(events.slice(0, 2)).toEqual(real.slice(0, 2))
    expect(events.length).toBe(5)
  })
})
