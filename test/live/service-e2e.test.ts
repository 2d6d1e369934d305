/**
 * Services as Kubernetes' own end-to-end suite asks for them, in the lab: types, ports, endpoints, refusals. The names are that suite's.
 * Source: kubernetes test/e2e/network/service.go, networking.go.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressOf, Bed, clusterIp, FAMILIES, NODES, nodePort } from './service-e2e/bed.ts'

let bed: Bed

beforeAll(async () => {
  process.env.FAIRWAY_EXTERNAL_IPS = '203.0.113.0/24,2001:db8:113::/64'
  bed = await Bed.up('t-svc')
  await bed.pods(
    { name: 'a', node: 'optiplex-1', labels: { app: 'web', one: 'a' } },
    { name: 'b', node: 'optiplex-2', labels: { app: 'web', one: 'b' } },
    { name: 'far', node: 'ubuntu-1' },
    {
      name: 'host',
      node: 'optiplex-2',
      args: ['--http', '7070', '--udp', '7070'],
      labels: { app: 'host' },
      spec: { hostNetwork: true },
      container: { readinessProbe: { httpGet: { port: 7070, path: '/' }, periodSeconds: 1 } },
    },
  )
})
afterAll(() => bed?.down())

const HTTP = [{ port: 80, targetPort: 8080 }]
const EVERYWHERE = ['client', ...NODES, 'a', 'far']
const INSIDE = [...NODES, 'a', 'far']

describe.each(FAMILIES)('%s', (family) => {
  const named = (name: string) => `${name}-${family.toLowerCase()}`

  test('Services should serve a basic endpoint from pods', async () => {
    const label = named('basic')
    const service = await bed.service(label, family, { selector: { [label]: 'yes' }, ports: HTTP })
    expect(await bed.endpoints(label)).toEqual([])
    await bed.label('a', { [label]: 'yes' })
    await bed.serves(INSIDE, clusterIp(service), ['a'])
    await bed.label('b', { [label]: 'yes' })
    await bed.serves(INSIDE, clusterIp(service), ['a', 'b'])
    await bed.label('a', { [label]: null })
    await bed.serves(INSIDE, clusterIp(service), ['b'])
    await bed.label('b', { [label]: null })
    await bed.serves(INSIDE, clusterIp(service), ['refused'])
    expect(await bed.endpoints(label)).toEqual([])
  })

  test('Services should serve multiport endpoints from pods', async () => {
    const service = await bed.service(named('multi'), family, {
      selector: { one: 'a' },
      ports: [
        { name: 'portname1', port: 80, targetPort: 8080 },
        { name: 'portname2', port: 81, targetPort: 8090 },
      ],
    })
    await bed.serves(INSIDE, clusterIp(service, 80), ['a'])
    await bed.serves(INSIDE, clusterIp(service, 81), ['a'])
    await bed.change(named('multi'), { selector: { one: 'b' } })
    await bed.serves(INSIDE, clusterIp(service, 81), ['b'])
    await bed.serves(INSIDE, clusterIp(service, 80), ['b'])
  })

  test('Services should be able to create a functioning NodePort service', async () => {
    const service = await bed.service(named('np'), family, { type: 'NodePort', selector: { app: 'web' }, ports: HTTP })
    for (const node of NODES) await bed.serves(EVERYWHERE, nodePort(service, node), ['a', 'b'])
    await bed.serves(INSIDE, clusterIp(service), ['a', 'b'])
  })

  test('Services should be able to change the type from ExternalName to NodePort and from NodePort to ExternalName', async () => {
    const name = named('ext-np')
    await bed.service(name, family, { type: 'ExternalName', externalName: 'example.com' })
    const spec = { type: 'NodePort', externalName: null, ipFamilies: [family], selector: { app: 'web' }, ports: HTTP }
    const service = await bed.change(name, spec)
    await bed.serves('client', nodePort(service, 'ubuntu-1'), ['a', 'b'])
    await bed.serves('far', clusterIp(service), ['a', 'b'])
    await bed.change(name, EXTERNAL_NAME)
    await bed.serves('client', nodePort(service, 'ubuntu-1'), ['refused'])
    await bed.serves('far', clusterIp(service), ['refused'])
  })

  test('Services should be able to change the type from ExternalName to ClusterIP and from ClusterIP to ExternalName', async () => {
    const name = named('ext-ip')
    await bed.service(name, family, { type: 'ExternalName', externalName: 'example.com' })
    const spec = { type: 'ClusterIP', externalName: null, ipFamilies: [family], selector: { app: 'web' }, ports: HTTP }
    const service = await bed.change(name, spec)
    await bed.serves(INSIDE, clusterIp(service), ['a', 'b'])
    await bed.change(name, EXTERNAL_NAME)
    await bed.serves(INSIDE, clusterIp(service), ['refused'])
  })

  test('Services should preserve source pod IP for traffic thru service cluster IP', async () => {
    const service = await bed.service(named('source'), family, { selector: { app: 'web' }, ports: HTTP })
    await bed.serves('far', clusterIp(service), ['a', 'b'])
    const { client } = await bed.ask('far', clusterIp(service))
    expect(client?.address).toBe(await bed.podAddress('far', family))
  })

  test('Services should allow pods to hairpin back to themselves through services', async () => {
    const service = await bed.service(named('hairpin'), family, { type: 'NodePort', selector: { one: 'a' }, ports: HTTP })
    await bed.serves('a', clusterIp(service), ['a'])
    for (const node of NODES) await bed.serves('a', nodePort(service, node), ['a'])
  })

  test('Services should be rejected when no endpoints exist', async () => {
    const service = await bed.service(named('none'), family, { type: 'NodePort', selector: { app: 'nobody' }, ports: HTTP })
    await bed.serves(INSIDE, clusterIp(service), ['refused'])
    await bed.serves(EVERYWHERE, nodePort(service, 'optiplex-1'), ['refused'])
  })

  test('Services should be updated after adding or deleting ports', async () => {
    const name = named('ports')
    const first = await bed.service(name, family, {
      type: 'NodePort',
      selector: { app: 'web' },
      ports: [{ name: 'one', port: 80, targetPort: 8080 }],
    })
    await bed.serves('far', clusterIp(first), ['a', 'b'])
    const kept = first.spec?.ports ?? []
    const both = await bed.change(name, { ports: [...kept, { name: 'two', port: 81, targetPort: 8090 }] })
    const second = both.spec?.ports?.[1]?.nodePort ?? 0
    await bed.serves('far', clusterIp(both, 81), ['a', 'b'])
    await bed.serves('client', { address: addressOf('ubuntu-1', family), port: second }, ['a', 'b'])
    await bed.serves('far', clusterIp(both, 80), ['a', 'b'])
    await bed.change(name, { ports: both.spec?.ports?.slice(1) })
    await bed.serves('far', clusterIp(both, 80), ['refused'])
    await bed.serves('client', nodePort(first, 'ubuntu-1'), ['refused'])
    await bed.serves('far', clusterIp(both, 81), ['a', 'b'])
  })

  test('Services should be able to update service type to NodePort listening on same port number but different protocols', async () => {
    const name = named('same')
    await bed.service(name, family, { selector: { app: 'web' }, ports: [{ name: 'tcp', port: 80, targetPort: 8080 }] })
    const ports = (['TCP', 'UDP'] as const).map((protocol) => ({
      name: protocol.toLowerCase(),
      port: 80,
      targetPort: 8080,
      protocol,
    }))
    const service = await bed.change(name, { type: 'NodePort', ports })
    await bed.serves('client', nodePort(service, 'ubuntu-1', 'TCP'), ['a', 'b'])
    await bed.serves('client', nodePort(service, 'ubuntu-1', 'UDP'), ['a', 'b'])
    await bed.serves('far', { ...clusterIp(service), protocol: 'UDP' }, ['a', 'b'])
  })

  test.each([
    ['Services should serve endpoints on same port and different protocols', 'ClusterIP'],
    [
      'Services should serve endpoints on same port and different protocols for internal traffic on Type LoadBalancer',
      'LoadBalancer',
    ],
  ])('%s', async (_, type) => {
    const name = named(`protocols-${type.toLowerCase()}`)
    const service = await bed.service(name, family, {
      type,
      selector: { app: 'web' },
      ports: [
        { name: 'tcp', port: 80, targetPort: 8080, protocol: 'TCP' },
        { name: 'udp', port: 80, targetPort: 8090, protocol: 'UDP' },
      ],
    })
    await bed.serves(INSIDE, clusterIp(service), ['a', 'b'])
    await bed.serves(INSIDE, { ...clusterIp(service), protocol: 'UDP' }, ['a', 'b'])
    await bed.change(name, { ports: [{ name: 'udp', port: 80, targetPort: 8090, protocol: 'UDP' }] })
    await bed.serves('far', clusterIp(service), ['refused'])
    await bed.serves('far', { ...clusterIp(service), protocol: 'UDP' }, ['a', 'b'])
  })

  test('Services should work after the service has been recreated', async () => {
    const name = named('again')
    const first = await bed.service(name, family, { selector: { app: 'web' }, ports: HTTP })
    await bed.serves(INSIDE, clusterIp(first), ['a', 'b'])
    await bed.deleteService(name)
    await bed.serves(INSIDE, clusterIp(first), ['refused'])
    const second = await bed.service(name, family, { clusterIP: clusterIp(first).address, selector: { app: 'web' }, ports: HTTP })
    await bed.serves(INSIDE, clusterIp(second), ['a', 'b'])
  })

  test('Services should be possible to connect to a service via ExternalIP when the external IP is not assigned to a node', async () => {
    const address = family === 'IPv4' ? '203.0.113.250' : '2001:db8:113::250'
    await bed.service(named('external'), family, { externalIPs: [address], selector: { app: 'web' }, ports: HTTP })
    await bed.serves(INSIDE, { address, port: 80 }, ['a', 'b'])
  })

  test('Services should function for service endpoints using hostNetwork', async () => {
    const ports = (['TCP', 'UDP'] as const).map((protocol) => ({
      name: protocol.toLowerCase(),
      port: 80,
      targetPort: 7070,
      protocol,
    }))
    const service = await bed.service(named('host'), family, { type: 'NodePort', selector: { app: 'host' }, ports })
    // such a pod answers with its node's name
    await bed.serves(INSIDE, clusterIp(service), ['optiplex-2'])
    await bed.serves(EVERYWHERE, nodePort(service, 'ubuntu-1'), ['optiplex-2'])
  })

  test('Services should be able to handle large requests: http', async () => {
    const service = await bed.service(named('large'), family, { type: 'NodePort', selector: { app: 'web' }, ports: HTTP })
    await bed.serves('far', clusterIp(service), ['a', 'b'])
    const body = 'x'.repeat(50_000)
    expect((await bed.ask('far', { ...clusterIp(service), body })).body).toBe(body)
    expect((await bed.ask('client', { ...nodePort(service, 'ubuntu-1'), body })).body).toBe(body)
  })

  test('NoSNAT Should be able to send traffic between Pods without SNAT', async () => {
    for (const [from, to] of [
      ['far', 'a'],
      ['a', 'b'],
      ['b', 'far'],
    ] as const) {
      const { client, pod } = await bed.ask(from, { address: await bed.podAddress(to, family), port: 8080 })
      expect({ pod, address: client?.address }).toEqual({ pod: to, address: await bed.podAddress(from, family) })
    }
  })
})

const EXTERNAL_NAME = {
  type: 'ExternalName',
  externalName: 'example.com',
  clusterIP: null,
  clusterIPs: null,
  ipFamilies: null,
  ipFamilyPolicy: null,
  ports: null,
  selector: null,
}
