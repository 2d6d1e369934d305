/** Source: MetalLB e2etest/l2tests/{l2,node_selector,service_selector,cordon_node}.go; the names are its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServiceSpec } from '../../../src/kube/types.ts'
import { NODES } from '../service-e2e/bed.ts'
import type { MetallbBed } from './bed.ts'

const FOUR = '192.168.9.0'
const SIX = 'fd00:192:168::9:0'
const RANGES = ['192.168.9.0-192.168.9.255', 'fd00:192:168::9:0-fd00:192:168::9:ff']
const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers'
const only = (...nodes: readonly string[]) => ({
  nodeSelectors: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: nodes }] }],
})
const labelled = (...apps: readonly string[]) => ({ serviceSelectors: apps.map((app) => ({ matchLabels: { app } })) })
const six: ServiceSpec = { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' }

export function l2Cases(lab: () => MetallbBed): void {
  afterEach(() => lab().clean())

  describe('L2 type=Loadbalancer', () => {
    beforeEach(async () => {
      await lab().pool('l2-test', RANGES)
      await lab().l2('empty')
    })

    test('should work for ExternalTrafficPolicy=Cluster', async () => {
      await lab().gives('external-local-lb', [FOUR, SIX], { spec: { ipFamilyPolicy: 'RequireDualStack' } })
      for (const address of [FOUR, SIX]) await lab().anyAnnouncer(address)
      await lab().bed.serves(
        'client',
        { address: FOUR, port: 80 },
        NODES.map((node) => `web-${node}`),
      )
    })

    test('should process the status as L2ServiceStatus along with service', async () => {
      await lab().gives('external-local-lb', [FOUR])
      const node = await lab().anyAnnouncer(FOUR)
      await expect.poll(() => lab().said('external-local-lb')).toEqual([`${node} eth0`])
      await lab().bed.deleteService('external-local-lb')
      await expect.poll(() => lab().said('external-local-lb')).toEqual([])
    })

    test('should work for ExternalTrafficPolicy=Local', async () => {
      await lab().gives('external-local-lb', [FOUR], { spec: { externalTrafficPolicy: 'Local' } })
      const node = await lab().anyAnnouncer(FOUR)
      await lab().bed.serves('client', { address: FOUR, port: 80 }, [`web-${node}`])
    })

    test('IPV4 Should work with mixed protocol services', async () => {
      const ports = [
        { name: 'tcp', protocol: 'TCP', port: 80, targetPort: 8080 },
        { name: 'udp', protocol: 'UDP', port: 81, targetPort: 8090 },
      ]
      await lab().gives('svca', [FOUR], { spec: { ports } })
      await lab().anyAnnouncer(FOUR)
      await expect.poll(() => lab().bed.who('client', { address: FOUR, port: 81, protocol: 'UDP' })).toMatch(/^web-/)
    })

    const away = {
      'should not be announced from a node with a NetworkUnavailable condition': [
        (node: string) => lab().condition(node, 'NetworkUnavailable', 'True'),
        (node: string) => lab().condition(node, 'NetworkUnavailable', 'False'),
      ],
      'It should be work when adding NodeExcludeBalancers label to a node': [
        (node: string) => lab().relabel(node, { [EXCLUDE]: '' }),
        (node: string) => lab().relabel(node, { [EXCLUDE]: null }),
      ],
    } as const
    test.each(Object.entries(away))('%s', async (_name, [leave, come]) => {
      await lab().gives('external-local-lb', [FOUR])
      const node = await lab().anyAnnouncer(FOUR)
      await leave(node)
      await expect
        .poll(() => lab().announcer(FOUR))
        .toSatisfy((other: string) => other !== node && NODES.some((one) => one === other))
      await come(node)
      await lab().isAnnouncedBy(FOUR, node)
    })

    test('When create an IPV4 service and then cordon node service should be announced only from expected nodes', async () => {
      await lab().gives('external-local-lb', [FOUR])
      const node = await lab().anyAnnouncer(FOUR)
      await lab().patchNode(node, { spec: { unschedulable: true } })
      await expect
        .poll(() => lab().announcer(FOUR))
        .toSatisfy((other: string) => other !== node && NODES.some((one) => one === other))
      await lab().patchNode(node, { spec: { unschedulable: null } })
      await lab().isAnnouncedBy(FOUR, node)
    })
  })

  describe('L2 validate different AddressPools for type=Loadbalancer set different AddressPools ranges modes', () => {
    test.each([
      ['AddressPool defined by address range', RANGES],
      ['AddressPool defined by network prefix', ['192.168.9.0/24', 'fd00:192:168::9:0/120']],
    ])('%s', async (_name, addresses) => {
      await lab().pool('l2-test', addresses)
      await lab().l2('empty')
      await lab().gives('external-local-lb', [FOUR, SIX], { spec: { ipFamilyPolicy: 'RequireDualStack' } })
      for (const address of [FOUR, SIX]) await lab().anyAnnouncer(address)
    })
  })

  describe('L2 different services sharing the same ip should advertise from the same node', () => {
    test.each([
      ['IPV4', FOUR, {}],
      ['IPV6', SIX, six],
    ])('%s', async (_name, address, family) => {
      await lab().pool('l2-services-same-ip-test', RANGES)
      await lab().l2('empty')
      const annotations = { 'metallb.io/allow-shared-ip': 'foo' }
      for (const [name, port, node] of [
        ['svca', 80, 'optiplex-1'],
        ['svcb', 81, 'optiplex-2'],
      ] as const) {
        const spec = { ...family, loadBalancerIP: address, selector: { app: 'web', node }, ports: [{ port, targetPort: 8080 }] }
        await lab().gives(name, [address], { annotations, spec })
      }
      const node = await lab().anyAnnouncer(address)
      await expect.poll(() => lab().announcer(address, 81)).toBe(node)
      await lab().bed.serves('client', { address, port: 80 }, ['web-optiplex-1'])
      await lab().bed.serves('client', { address, port: 81 }, ['web-optiplex-2'])
    })
  })

  describe('L2 validate requesting a specific address pool for Loadbalancer service', () => {
    test.each([
      ['IPV4', ['192.168.9.7', '192.168.9.8'], {}, true],
      ['IPV6', ['fd00:192:168::9:7', 'fd00:192:168::9:8'], six, true],
      ['IPV4', ['192.168.9.7', '192.168.9.8'], {}, false],
      ['IPV6', ['fd00:192:168::9:7', 'fd00:192:168::9:8'], six, false],
    ])('%s %j', async (_name, addresses, spec, autoAssign) => {
      await lab().l2('empty')
      for (const [at, address] of addresses.entries()) {
        await lab().pool(`test-addresspool${at}`, [`${address}-${address}`], { autoAssign })
        const annotations = { 'metallb.io/address-pool': `test-addresspool${at}` }
        await lab().gives(`test-service${at}`, [address], { annotations, spec })
        expect(await lab().poolOf(`test-service${at}`)).toBe(`test-addresspool${at}`)
        for (const one of addresses.slice(0, at + 1)) await lab().anyAnnouncer(one)
      }
    })
  })

  describe('L2 Node Selector', () => {
    beforeEach(() => lab().pool('l2-test', RANGES))

    test('should work selecting one node', async () => {
      await lab().gives('external-local-lb', [FOUR])
      for (const node of NODES) {
        await lab().l2('with-selector', only(node))
        await lab().isAnnouncedBy(FOUR, node)
      }
    })

    test('should with multiple node selectors', async () => {
      const spec: ServiceSpec = { externalTrafficPolicy: 'Local', selector: { app: 'web', node: 'ubuntu-1' } }
      await lab().gives('svca', [FOUR], { spec })
      await lab().l2('with-selector', only('optiplex-1'))
      await lab().l2('no-selector')
      await lab().isAnnouncedBy(FOUR, 'ubuntu-1')
    })
  })

  describe('L2-ServiceSelector', () => {
    const silent = (address: string) => expect.poll(() => lab().announcer(address), { message: address }).toBe('')

    test('Pool and Service Selectors together should only advertise services matching both pool and service selectors', async () => {
      for (const [pool, address] of [
        ['a', FOUR],
        ['b', '192.168.9.1'],
      ])
        await lab().pool(`pool-${pool}`, [`${address}/32`], {}, { labels: { pool } })
      await lab().l2('adv-pool-a-expose-true', { ipAddressPoolSelectors: [{ matchLabels: { pool: 'a' } }], ...labelled('true') })
      const asking = (pool: string) => ({ labels: { app: 'true' }, annotations: { 'metallb.io/address-pool': pool } })
      await lab().gives('svc-pool-b', ['192.168.9.1'], asking('pool-b'))
      await lab().gives('svc-pool-a', [FOUR], asking('pool-a'))
      await lab().anyAnnouncer(FOUR)
      await silent('192.168.9.1')
      await lab().labelService('svc-pool-a', { app: 'false' })
      await silent(FOUR)
      await lab().labelService('svc-pool-b', { app: 'false' })
      await lab().labelService('svc-pool-a', { app: 'true' })
      await lab().anyAnnouncer(FOUR)
      await silent('192.168.9.1')
    })

    test('Service selector filters election candidate nodes should announce from exactly one node when both advertisements match the service', async () => {
      await lab().pool('l2-test', [`${FOUR}/32`])
      await lab().l2('adv-for-node0', { ...only('ubuntu-1'), ...labelled('test') })
      await lab().l2('adv-for-node1', { ...only('optiplex-1'), ...labelled('test') })
      await lab().gives('svc-test', [FOUR], { labels: { app: 'test' } })
      expect(['ubuntu-1', 'optiplex-1']).toContain(await lab().anyAnnouncer(FOUR))
      expect(await lab().holders(FOUR)).toHaveLength(1)
    })

    test('Service selector filters election candidate nodes should not announce when no advertisement matches both service and node', async () => {
      await lab().pool('l2-test', RANGES)
      await lab().l2('adv-all-nodes-wrong-svc', labelled('other'))
      await lab().l2('adv-right-svc-ghost-node', { ...only('non-existing-node'), ...labelled('web') })
      await lab().gives('svc-web', [FOUR], { labels: { app: 'web' } })
      await lab().gives('witness', ['192.168.9.1'], { labels: { app: 'other' } })
      await lab().anyAnnouncer('192.168.9.1')
      expect(await lab().announcer(FOUR)).toBe('')
    })

    test('Service Selector should use OR logic for multiple selectors', async () => {
      await lab().pool('l2-test', RANGES)
      await lab().l2('with-multiple-selectors', labelled('nginx', 'apache'))
      await lab().gives('other-svc', [FOUR], { labels: { app: 'other' } })
      await lab().gives('nginx-svc', ['192.168.9.1'], { labels: { app: 'nginx' } })
      await lab().gives('apache-svc', ['192.168.9.2'], { labels: { app: 'apache' } })
      for (const address of ['192.168.9.1', '192.168.9.2']) await lab().anyAnnouncer(address)
      expect(await lab().announcer(FOUR)).toBe('')
    })
  })
}
