/**
 * hostPorts, SCTP and UDP on NodePorts as Kubernetes' own end-to-end suite asks for them. The names are that suite's.
 * Source: kubernetes test/e2e/network/hostport.go, service.go, networking.go.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressOf, Bed, clusterIp, FAMILIES, NODES, nodePort } from './service-e2e/bed.ts'
import { sctpArrives } from './service-e2e/sctp.ts'

let bed: Bed

beforeAll(async () => {
  bed = await Bed.up('t-svc-hp')
  await bed.pods(
    { name: 'a', node: 'optiplex-1', labels: { app: 'web' } },
    { name: 'b', node: 'optiplex-2', labels: { app: 'web' } },
  )
})
afterAll(() => bed?.down())

describe.each(FAMILIES)('%s', (family) => {
  const named = (name: string) => `${name}-${family.toLowerCase()}`

  test('HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol', async () => {
    const hostPort = family === 'IPv4' ? 54_323 : 54_324
    const loopback = family === 'IPv4' ? '127.0.0.1' : '::1'
    const address = addressOf('optiplex-1', family)
    const pod = (name: string, hostIP: string, protocol: 'TCP' | 'UDP') => ({
      name: named(name),
      node: 'optiplex-1',
      container: { ports: [{ containerPort: 8080, hostPort, hostIP, protocol }] },
    })
    await bed.pods(pod('pod1', loopback, 'TCP'), pod('pod2', address, 'TCP'), pod('pod3', address, 'UDP'))
    await bed.serves(['client', 'optiplex-1', 'optiplex-2'], { address, port: hostPort }, [named('pod2')])
    await bed.serves(['client', 'optiplex-2'], { address, port: hostPort, protocol: 'UDP' }, [named('pod3')])
    // [::1] cannot be translated: the agent says so
    await bed.serves('optiplex-1', { address: loopback, port: hostPort }, [family === 'IPv4' ? named('pod1') : 'refused'])
    for (const name of ['pod1', 'pod2', 'pod3']) await bed.deletePod(named(name), 0)
    await bed.serves('client', { address, port: hostPort }, ['refused'])
  })

  test('Networking should allow creating a Pod with an SCTP HostPort', async () => {
    const hostPort = family === 'IPv4' ? 5_060 : 5_061
    const name = named('sctp')
    const ports = [{ containerPort: 5_062, hostPort, protocol: 'SCTP' }]
    await bed.pods({ name, node: 'optiplex-1', container: { ports } })
    const to = { address: addressOf('optiplex-1', family), port: hostPort }
    expect(await sctpArrives(bed, { from: 'client', to, at: [name] })).toEqual({
      pod: name,
      source: addressOf('client', family),
      port: 5_062,
    })
  })

  test('Services should allow creating a basic SCTP service with pod and endpoints', async () => {
    const ports = [{ port: 5_070, targetPort: 5_071, protocol: 'SCTP' }]
    const service = await bed.service(named('sctp'), family, { type: 'NodePort', selector: { app: 'web' }, ports })
    await expect.poll(async () => (await bed.endpoints(named('sctp'))).length).toBe(2)
    const address = service.spec?.clusterIPs?.[0] ?? ''
    const inside = await sctpArrives(bed, { from: 'optiplex-1', to: { address, port: 5_070 }, at: ['a', 'b'] })
    expect(inside.port).toBe(5_071)
    const to = { address: addressOf('ubuntu-1', family), port: service.spec?.ports?.[0]?.nodePort ?? 0 }
    const outside = await sctpArrives(bed, { from: 'client', to, at: ['a', 'b'] })
    expect(['a', 'b']).toContain(outside.pod)
    expect(outside).toMatchObject({ port: 5_071 })
  })

  test('Services should be able to support basic nodePort: udp functionality', async () => {
    const ports = [{ port: 90, targetPort: 8080, protocol: 'UDP' }]
    const service = await bed.service(named('udp'), family, { type: 'NodePort', selector: { app: 'web' }, ports })
    for (const node of NODES) await bed.serves(['client', ...NODES, 'a'], nodePort(service, node, 'UDP'), ['a', 'b'])
  })

  test.each(['TCP', 'UDP'] as const)('Services should update nodePort: %s', async (protocol) => {
    const name = named(`move-${protocol.toLowerCase()}`)
    const service = await bed.service(name, family, {
      type: 'NodePort',
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 8080, protocol }],
    })
    const before = nodePort(service, 'ubuntu-1', protocol)
    await bed.serves('client', before, ['a', 'b'])
    await bed.change(name, { type: 'ClusterIP', ports: [{ port: 80, targetPort: 8080, protocol, nodePort: null }] })
    // asked one after the other, as the kernel limits refusals by ICMP
    await expect.poll(() => bed.who('client', { ...before, timeoutInMs: 300 }), { timeout: 10_000 }).toBe('refused')
    await bed.serves('a', { ...clusterIp(service), protocol }, ['a', 'b'])
  })
})
