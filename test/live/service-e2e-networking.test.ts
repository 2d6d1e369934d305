/**
 * The granular checks of Kubernetes' own end-to-end suite: every kind of client, HTTP, UDP and SCTP, and the second family of a Service. The names are that suite's.
 * Source: kubernetes test/e2e/network/networking.go, dual_stack.go.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Service } from '../../src/kube/types.ts'
import { addressOf, Bed, FAMILIES, type Family, NODES, type Target } from './service-e2e/bed.ts'
import { sctpArrives } from './service-e2e/sctp.ts'

let bed: Bed

const NETSERVERS = ['netserver-0', 'netserver-1', 'netserver-2']

beforeAll(async () => {
  bed = await Bed.up('t-svc-net')
  const servers = NETSERVERS.map((name, index) => ({ name, node: NODES[index] ?? '', labels: { app: 'netserver' } }))
  await bed.pods(...servers, { name: 'test-container-pod', node: 'optiplex-1' })
})
afterAll(() => bed?.down())

const WAYS = [
  ['Services', (family: Family) => ({ ipFamilies: [family], ipFamilyPolicy: 'SingleStack' })],
  [
    'Services Secondary IP Family',
    (family: Family) => ({ ipFamilies: [otherThan(family), family], ipFamilyPolicy: 'RequireDualStack' }),
  ],
] as const
const PROTOCOLS = [
  ['http', 'TCP'],
  ['udp', 'UDP'],
] as const

function otherThan(family: Family): Family {
  return family === 'IPv4' ? 'IPv6' : 'IPv4'
}

describe.each(FAMILIES)('%s', (family) => {
  describe.each(WAYS)('%s', (way, families) => {
    let made = 0
    const make = (labels: Readonly<Record<string, string>> = { app: 'netserver' }): Promise<Service> =>
      bed.service(`${way.includes('Second') ? 'second' : 'first'}-${family.toLowerCase()}-${++made}`, family, {
        ...families(family),
        type: 'NodePort',
        selector: labels,
        ports: ['TCP', 'UDP', 'SCTP'].map((protocol) => ({ name: protocol.toLowerCase(), port: 80, targetPort: 8080, protocol })),
      })
    const clusterIp = ({ spec }: Service, protocol: 'TCP' | 'UDP'): Target => {
      const address = (spec?.clusterIPs ?? []).find((ip) => ip.includes(':') === (family === 'IPv6')) ?? ''
      return { address, port: 80, protocol }
    }
    const nodePort = ({ spec }: Service, node: string, protocol: 'TCP' | 'UDP'): Target => {
      const port = spec?.ports?.find((one) => one.protocol === protocol)?.nodePort ?? 0
      return { address: addressOf(node, family), port, protocol }
    }

    test.each(PROTOCOLS)('Granular Checks: should function for pod-Service: %s', async (_, protocol) => {
      const service = await make()
      await bed.serves('test-container-pod', clusterIp(service, protocol), NETSERVERS)
      await bed.serves('test-container-pod', nodePort(service, 'ubuntu-1', protocol), NETSERVERS)
    })

    test.each(PROTOCOLS)('Granular Checks: should function for node-Service: %s', async (_, protocol) => {
      const service = await make()
      await bed.serves('optiplex-2', clusterIp(service, protocol), NETSERVERS)
      await bed.serves('optiplex-2', nodePort(service, 'optiplex-2', protocol), NETSERVERS)
      await bed.serves('optiplex-2', nodePort(service, 'ubuntu-1', protocol), NETSERVERS)
    })

    test.each(PROTOCOLS)('Granular Checks: should function for endpoint-Service: %s', async (_, protocol) => {
      const service = await make()
      await bed.serves('netserver-0', clusterIp(service, protocol), NETSERVERS)
      await bed.serves('netserver-0', nodePort(service, 'ubuntu-1', protocol), NETSERVERS)
    })

    test('Granular Checks: should function for pod-Service and node-Service: sctp', async () => {
      const { address } = clusterIp(await make(), 'TCP')
      for (const from of ['test-container-pod', 'optiplex-1']) {
        const { pod, port } = await sctpArrives(bed, { from, to: { address, port: 80 }, at: NETSERVERS })
        expect(NETSERVERS).toContain(pod)
        expect(port).toBe(8080)
      }
    })

    test('Granular Checks: should function for multiple endpoint-Services with same selector', async () => {
      const [first, second] = [await make(), await make()]
      await bed.serves('netserver-2', clusterIp(first, 'TCP'), NETSERVERS)
      await bed.serves('netserver-2', clusterIp(second, 'TCP'), NETSERVERS)
      await bed.deleteService(second.metadata.name ?? '')
      await bed.serves('netserver-2', clusterIp(second, 'TCP'), ['refused'])
      await bed.serves('netserver-2', clusterIp(first, 'TCP'), NETSERVERS)
    })

    test.each(PROTOCOLS)('Granular Checks: should update endpoints: %s', async (_, protocol) => {
      const service = await make()
      await bed.serves('test-container-pod', clusterIp(service, protocol), NETSERVERS)
      await bed.label('netserver-0', { app: 'left' })
      await bed.serves('test-container-pod', clusterIp(service, protocol), NETSERVERS.slice(1))
      await bed.label('netserver-0', { app: 'netserver' })
      await bed.serves('test-container-pod', clusterIp(service, protocol), NETSERVERS)
    })
  })
})
