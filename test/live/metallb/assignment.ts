/** Source: MetalLB e2etest/l2tests/assignment.go and loadbalancer_class.go; the names are its own. */
import { afterEach, describe, expect, test } from 'vitest'
import { SERVICES } from '../../../src/kube/resource.ts'
import { addressOf } from '../service-e2e/bed.ts'
import type { MetallbBed } from './bed.ts'

const MOVE = { annotations: { 'fairway.dev/move-addresses': 'true' } }
/** Without a word of its author no edit of a pool takes an address away. */
const FOUR = '192.168.10.100'
const SIX = 'fc00:f853:ccd:e799::'
const DUAL = ['192.168.11.100', 'fc00:f853:ccd:e800::']
const PREFER = { spec: { ipFamilyPolicy: 'PreferDualStack' } } as const

export function assignmentCases(lab: () => MetallbBed): void {
  const addresses = (name: string) => expect.poll(() => lab().addresses(name), { message: name })
  const why = (name: string) => expect.poll(() => lab().eventsOf(name), { message: name })
  const allocate = (serviceAllocation: object) => ({ serviceAllocation })
  afterEach(() => lab().clean())

  describe('IP Assignment IPV4 Assignment', () => {
    test.each([
      'changing the service type to clusterIP',
      'deleting the service',
    ])('should remove the ip from a service assign it to a free one when %s', async (how) => {
      await lab().pool('singleip-pool', [`${FOUR}/32`])
      await lab().gives('singleip', [FOUR])
      await lab().service('singleip1')
      await why('singleip1').toMatch(/singleip-pool/)
      expect(await lab().addresses('singleip1')).toEqual([])
      if (how === 'deleting the service') await lab().bed.deleteService('singleip')
      else await lab().bed.change('singleip', { type: 'ClusterIP' })
      await addresses('singleip1').toEqual([FOUR])
    })

    test('should preseve the same external ip after controller restart', async () => {
      await lab().pool('assignment-controller-reset-test-pool', [`${FOUR}/32`, '192.168.20.200/32'])
      await lab().gives('service-a', [FOUR])
      await lab().gives('service-b', ['192.168.20.200'])
      for (const name of ['service-c', 'service-d']) await lab().service(name)
      for (let restart = 0; restart < 3; restart++) {
        await lab().restartController()
        // the one that leads now has seen everything: it does what was asked since
        await lab().pool(`witness-${restart}`, [`192.168.30.${restart}/32`], { autoAssign: false })
        const annotations = { 'metallb.io/address-pool': `witness-${restart}` }
        await lab().gives(`witness-${restart}`, [`192.168.30.${restart}`], { annotations })
        const now = await Promise.all(['a', 'b', 'c', 'd'].map((name) => lab().addresses(`service-${name}`)))
        expect(now).toEqual([[FOUR], ['192.168.20.200'], [], []])
      }
    })
  })

  describe('IP Assignment IPV4 removing pools', () => {
    test('removes all pools', async () => {
      await lab().pool('test-ns-pool-1', ['192.168.5.0/32'])
      await lab().gives('svc-test-ns-pool-1', ['192.168.5.0'])
      await lab().remove('pool', 'test-ns-pool-1')
      await why('svc-test-ns-pool-1').toMatch(/keeps 192\.168\.5\.0/)
      expect(await lab().addresses('svc-test-ns-pool-1')).toEqual(['192.168.5.0'])
    })

    test('reallocates svc after deleting a pool', async () => {
      await lab().pool('test-ns-pool-1', ['192.168.5.0/32'], allocate({ priority: 20, namespaces: ['default'] }), MOVE)
      await lab().pool('test-ns-pool-2', ['192.168.10.0/32'])
      await lab().gives('svc-test-ns-pool-1', ['192.168.5.0'])
      await lab().pool('test-ns-pool-1', ['192.168.5.1/32'], { autoAssign: false })
      await addresses('svc-test-ns-pool-1').toEqual(['192.168.10.0'])
    })
  })

  describe('IP Assignment IPV4 - Validate service allocation in address pools', () => {
    /** Three Services, one after the other, have the one address of each of three pools. */
    const inOrder = async (pools: readonly OnePool[], labels?: Readonly<Record<string, string>>) => {
      for (const [name, address, allocation] of pools) await lab().pool(name, [`${address}/32`], allocate(allocation))
      for (const [at, [, address]] of pools.toSorted(byPriority).entries())
        await lab().gives(`svc-${at}`, [address], { ...(labels && { labels }) })
    }
    const here = { namespaces: ['default'] }
    const mine = { serviceSelectors: [{ matchLabels: { test: 'e2e' } }] }
    const last = ['ns-ip-pool', '192.168.20.0', here] as const

    test('with namespace', () =>
      inOrder([
        ['pool-1', '192.168.5.0', { priority: 20, ...here }],
        ['pool-2', '192.168.10.0', { priority: 10, ...here }],
        last,
      ]))

    test('with namespace and namespace labels', async () => {
      const selected = { namespaceSelectors: [{ matchLabels: { 'kubernetes.io/metadata.name': 'default' } }] }
      await inOrder([
        ['pool-1', '192.168.5.0', { priority: 20, ...here }],
        ['pool-2', '192.168.10.0', { priority: 10, ...selected }],
        last,
      ])
    })

    test('with service label', () =>
      inOrder(
        [['pool-1', '192.168.5.0', { priority: 20, ...mine }], ['pool-2', '192.168.10.0', { priority: 10, ...mine }], last],
        { test: 'e2e' },
      ))

    test('with namespace and service label', () =>
      inOrder(
        [['pool-1', '192.168.5.0', { priority: 20, ...here }], ['pool-2', '192.168.10.0', { priority: 10, ...mine }], last],
        { test: 'e2e' },
      ))

    test('with namespace with labels', async () => {
      await lab().namespace('first', { 'first-ns': 'true' })
      await lab().namespace('second', { 'second-ns': 'true' })
      const selected = (priority: number, matchLabels: object) => allocate({ priority, namespaceSelectors: [{ matchLabels }] })
      await lab().pool('first-ns', ['192.168.20.0/32'], selected(10, { 'first-ns': 'true' }))
      await lab().pool('second-ns', ['192.168.30.0/32'], selected(10, { 'second-ns': 'true' }))
      await lab().pool('no-ns', ['192.168.40.0/32'])
      await lab().pool('higher', ['192.168.50.0/32'], selected(5, { 'second-ns': 'true', newLabel: 'true' }))
      await lab().gives('second-ns-service', ['192.168.30.0'], { namespace: 'second' })
      await lab().gives('default-ns-service', ['192.168.20.0'], { namespace: 'first' })
      await lab().gives('default-ns-service2', ['192.168.40.0'], { namespace: 'first' })
      await lab().bed.lab.client('kubectl label namespace second newLabel=true')
      await lab().gives('second-ns-service2', ['192.168.50.0'], { namespace: 'second' })
    })

    test('reject a service with ips the same as nodeIps', async () => {
      await lab().pool('specificid-pool', ['192.168.60.0/32'])
      await lab().service('specificip', { spec: { loadBalancerIP: addressOf('optiplex-1', 'IPv4') } })
      await lab().gives('witness', ['192.168.60.0'])
      expect(await lab().addresses('specificip')).toEqual([])
    })
  })

  describe('IP Assignment PREFER DUALSTACK', () => {
    const four = () => lab().pool('test-ns-ipv4-pool', [`${FOUR}/32`])
    const six = () => lab().pool('test-ns-ipv6-pool', [`${SIX}/124`])
    const dual = () => lab().pool('test-ns-dualstack-pool-2', [`${DUAL[0]}/32`, `${DUAL[1]}/124`])

    test('Should select dual-stack pool if available', async () => {
      await Promise.all([four(), six(), dual()])
      await lab().gives('svc', DUAL, PREFER)
    })

    test('Should prefer primary ip ipv4 family among single-stack pools by default', async () => {
      await Promise.all([six(), four()])
      await lab().gives('svc', [FOUR], PREFER)
    })

    test('Should prefer primary ipv6 ip family among single-stack pools', async () => {
      await Promise.all([four(), six()])
      await lab().gives('svc', [SIX], { spec: { ...PREFER.spec, ipFamilies: ['IPv6', 'IPv4'] } })
    })

    test('Additional ip should be assigned when the assigned 1-stack pool becomes dual-stack', async () => {
      await lab().pool('test-ns-dualstack-pool', [`${FOUR}/32`])
      await lab().gives('svc', [FOUR], PREFER)
      await lab().pool('test-ns-dualstack-pool', ['192.168.10.100/24', `${SIX}/124`])
      await addresses('svc').toEqual([FOUR, SIX])
    })

    test('Single-stack pool should assign based on svc changes between PreferDualStack and RequireDualStack', async () => {
      await lab().pool('test-ns-dualstack-pool', [`${FOUR}/32`])
      await lab().gives('svc-require', [FOUR], PREFER)
      await lab().bed.change('svc-require', { ipFamilyPolicy: 'RequireDualStack' })
      await why('svc-require').toMatch(/FW06/)
      expect(await lab().addresses('svc-require')).toEqual([FOUR])
      await lab().bed.change('svc-require', { ipFamilyPolicy: 'PreferDualStack' })
      await addresses('svc-require').toEqual([FOUR])
    })

    test("Svc assigned from single-stack pool should not jump to dual-stack pool when it's available", async () => {
      await four()
      await lab().gives('svc', [FOUR], PREFER)
      await dual()
      await lab().gives('witness', DUAL, PREFER)
      expect(await lab().addresses('svc')).toEqual([FOUR])
    })

    test('When current dualstack pool becomes single-stack, svc should pick another dualstack pool if possible', async () => {
      await lab().pool('test-ns-dualstack-pool', [`${FOUR}/32`, `${SIX}/124`])
      await lab().gives('svc-two', [FOUR, SIX], PREFER)
      await dual()
      await lab().pool('test-ns-dualstack-pool', [`${SIX}/124`])
      await why('svc-two').toMatch(/keeps 192\.168\.10\.100/)
      expect(await lab().addresses('svc-two')).toEqual([FOUR, SIX])
    })
  })

  describe('LoadBalancer class A service with loadbalancer class', () => {
    test('should not get an ip', async () => {
      await lab().pool('l2-test', ['192.168.9.0/24'])
      await lab().l2('empty')
      await lab().service('lbclass', { spec: { loadBalancerClass: 'foo' } })
      await lab().gives('witness', ['192.168.9.0'])
      expect(await lab().addresses('lbclass')).toEqual([])
      // what somebody else gives it is theirs to announce; a witness that comes later is announced
      const ingress = [{ ip: '192.168.9.99', ipMode: 'VIP' }]
      const status = { status: { loadBalancer: { ingress } } }
      await lab().bed.api.patch(SERVICES, { namespace: 'default', name: 'lbclass' }, status, {
        ...{ type: 'merge', subresource: 'status' },
      })
      await lab().gives('later', ['192.168.9.1'])
      await lab().anyAnnouncer('192.168.9.1')
      expect(await lab().announcer('192.168.9.99')).toBe('')
    })
  })
}

type OnePool = readonly [
  name: string,
  address: string,
  allocation: { readonly priority?: number; readonly [field: string]: unknown },
]

/** Without a priority it is the last. */
function byPriority([, , one]: OnePool, [, , other]: OnePool): number {
  return (one.priority ?? 1_000) - (other.priority ?? 1_000)
}
