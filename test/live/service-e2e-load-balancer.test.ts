/**
 * Services of type LoadBalancer, by the address that the controller gives and a node announces.
 * Source: kubernetes test/e2e/network/loadbalancer.go; the names are its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressOf, Bed, balancer, FAMILIES, NODES, nodePort } from './service-e2e/bed.ts'
import type { Answer } from './service-e2e/wire.ts'

let bed: Bed
beforeAll(async () => {
  bed = await Bed.up('t-svc-lb')
  await bed.announce()
  await bed.pods(...NODES.map((node) => ({ name: `web-${node}`, node, labels: { app: 'web' } })), {
    name: 'asker',
    node: 'optiplex-2',
  })
})
afterAll(() => bed?.down())

const PODS = NODES.map((node) => `web-${node}`)
const ports = (protocol: 'TCP' | 'UDP', port = 80) => [{ port, targetPort: 8080, protocol }]

describe.each(FAMILIES)('%s', (family) => {
  const own = (name: string) => `${name}-${family.toLowerCase()}`

  test.each([
    'TCP',
    'UDP',
  ] as const)('LoadBalancers should be able to change the type and ports of a %s service', async (protocol) => {
    const name = own(`mutable-${protocol.toLowerCase()}`)
    await bed.service(name, family, { type: 'ClusterIP', selector: { app: 'web' }, ports: ports(protocol) })
    const asNodePort = await bed.change(name, { type: 'NodePort' })
    const first = nodePort(asNodePort, 'optiplex-1', protocol)
    await bed.serves('client', first, PODS)
    await bed.change(name, { type: 'LoadBalancer' })
    const balanced = await bed.balanced(name)
    await bed.serves(['client', 'asker', 'ubuntu-1'], balancer(balanced, 80, protocol), PODS)
    expect(nodePort(balanced, 'optiplex-1', protocol)).toEqual(first)
    const { nodePort: before = 0 } = balanced.spec?.ports?.[0] ?? {}
    const moved = await bed.change(name, { ports: [{ ...ports(protocol)[0], nodePort: before === 32_000 ? 32_001 : 32_000 }] })
    await bed.serves('client', nodePort(moved, 'optiplex-1', protocol), PODS)
    await bed.serves('client', balancer(balanced, 80, protocol), PODS)
    await expect.poll(() => bed.who('client', first)).not.toMatch(/^web-/)
    await bed.change(name, { ports: [{ ...ports(protocol, 81)[0], nodePort: moved.spec?.ports?.[0]?.nodePort }] })
    await bed.serves('client', balancer(balanced, 81, protocol), PODS)
    await expect.poll(() => bed.who('client', balancer(balanced, 80, protocol))).not.toMatch(/^web-/)
    await bed.change(name, { type: 'ClusterIP', ports: [{ ...ports(protocol, 81)[0], nodePort: null }] })
    await expect.poll(() => bed.who('client', balancer(balanced, 81, protocol))).not.toMatch(/^web-/)
    await bed.deleteService(name)
  })

  test.each([
    ['different nodes', 'optiplex-1', 'optiplex-2'],
    ['the same nodes', 'optiplex-1', 'optiplex-1'],
  ])('LoadBalancers should be able to preserve UDP traffic when server pod cycles for a LoadBalancer service on %s', async (where, from, to) => {
    const app = own(`cycle-${where.split(' ').at(-2)}`)
    await bed.pods({ name: `${app}-1`, node: from, labels: { app } })
    await bed.service(app, family, { type: 'LoadBalancer', selector: { app }, ports: ports('UDP') })
    // always from one port, so that it is one flow
    const target = { ...balancer(await bed.balanced(app), 80, 'UDP'), source: from === to ? 30_001 : 30_002 }
    await expect.poll(() => bed.who('client', target)).toBe(`${app}-1`)
    await bed.createPod({ name: `${app}-2`, node: to, labels: { app } })
    await bed.deletePod(`${app}-1`)
    await bed.podIs(`${app}-2`, 'True')
    await expect.poll(() => bed.who('client', target)).toBe(`${app}-2`)
    await bed.deleteService(app)
    await bed.deletePod(`${app}-2`)
  })

  test('LoadBalancers ExternalTrafficPolicy: Local: should work for type=LoadBalancer', async () => {
    const name = own('local')
    await bed.service(name, family, LOCAL)
    const balanced = await bed.balanced(name)
    expect(balanced.spec?.healthCheckNodePort).toBeGreaterThan(0)
    await expect.poll(async () => clientOf(await bed.ask('client', balancer(balanced)))).toBe(addressOf('client', family))
    await bed.serves('asker', balancer(balanced), PODS)
    await bed.deleteService(name)
  })

  test('LoadBalancers ExternalTrafficPolicy: Local: should only target nodes with endpoints', async () => {
    const name = own('only')
    await bed.service(name, family, LOCAL)
    const balanced = await bed.balanced(name)
    for (const node of NODES) {
      await only(name, node)
      // one node announces it, and that one has the pod
      await bed.serves('client', balancer(balanced), [`web-${node}`])
      await expect.poll(() => announcers(balancer(balanced).address)).toEqual([node])
    }
    await bed.deleteService(name)
  })

  test('LoadBalancers ExternalTrafficPolicy: Local: should handle updates to ExternalTrafficPolicy field', async () => {
    const name = own('updates')
    await bed.service(name, family, LOCAL)
    const balanced = await bed.balanced(name)
    await only(name, 'ubuntu-1')
    await bed.serves('client', balancer(balanced), ['web-ubuntu-1'])
    await bed.change(name, { externalTrafficPolicy: 'Cluster', selector: { app: 'web', only: null } })
    await bed.serves('client', balancer(balanced), PODS)
    await bed.change(name, { externalTrafficPolicy: 'Local' })
    await expect.poll(async () => clientOf(await bed.ask('client', balancer(balanced)))).toBe(addressOf('client', family))
    await bed.deleteService(name)
  })
})

const LOCAL = {
  ...{ type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector: { app: 'web' } },
  ports: [{ port: 80, targetPort: 8080 }],
} as const

/** Leaves a Service the pod of one node. */
async function only(service: string, node: string): Promise<void> {
  for (const one of NODES) await bed.label(`web-${one}`, { only: one === node ? service : null })
  await bed.change(service, { selector: { app: 'web', only: service } })
}

async function announcers(address: string): Promise<readonly string[]> {
  const states = await Promise.all(NODES.map(async (node) => ({ node, l2: (await bed.agent(node)).l2 })))
  return states.filter(({ l2 }) => l2?.announced.includes(address)).map(({ node }) => node)
}

function clientOf({ client }: Answer): string {
  return client?.address ?? ''
}
