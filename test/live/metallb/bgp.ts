/** Source: MetalLB e2etest/bgptests/{node_selector,service_selector}.go; the names are its own. */
import { afterEach, describe, expect, test } from 'vitest'
import type { ServiceSpec } from '../../../src/kube/types.ts'
import { addressOf, NODES } from '../service-e2e/bed.ts'
import type { MetallbBed, ServiceWish } from './bed.ts'

interface Ranges {
  readonly first: string
  readonly second: string
  readonly length: number
  readonly spec: ServiceSpec
}
const FOUR: Ranges = { first: '192.168.10.0', second: '192.168.16.0', length: 32, spec: {} }
const SIX: Ranges = {
  ...{ first: 'fc00:f853:ccd:e799::', second: 'fc00:f853:ccd:e800::', length: 128 },
  spec: { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' },
}
const FAMILIES = [
  ['IPV4', FOUR],
  ['IPV6', SIX],
] as const
const NODE_TABLE = [
  ['IPV4 - two on first, two on second', FOUR, [0, 1], [0, 1]],
  ['IPV4 - one on first, two on second', FOUR, [0], [0, 1]],
  ['IPV4 - zero on first, two on second', FOUR, [], [0, 1]],
  ['IPV6 - one on first, two on second', SIX, [0], [1, 2]],
] as const

const nodes = (which: readonly number[]) => which.flatMap((at) => NODES[at] ?? []).toSorted()
const onNodes = (which: readonly number[]) => ({
  // none: a selector that chooses nobody, since an empty list means everybody
  nodeSelectors: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['nobody', ...nodes(which)] }] }],
})
const labelled = (...tiers: readonly string[]) => ({ serviceSelectors: tiers.map((tier) => ({ matchLabels: { tier } })) })

interface Path {
  readonly peer: { readonly peerId: string }
  readonly community?: { readonly string: string }
}

export function bgpCases(lab: () => MetallbBed): void {
  afterEach(() => lab().clean())

  /** `NODE COMMUNITIES` of every path to a prefix that the router has. */
  async function paths(prefix: string): Promise<readonly string[]> {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
    const { paths: found = [] } = (await lab().router(`show bgp ${family} unicast ${prefix}`)) as { paths?: readonly Path[] }
    const nodeOf = (id: string) => NODES.find((node) => addressOf(node, 'IPv4') === id) ?? id
    return found.map(({ peer, community }) => `${nodeOf(peer.peerId)} ${community?.string ?? ''}`.trim()).toSorted()
  }
  const told = (prefix: string) => expect.poll(() => paths(prefix), { message: prefix, timeout: 20_000 })
  const everywhere = (communities = '') => NODES.map((node) => `${node} ${communities}`.trim()).toSorted()
  const whole = (address: string, { length }: Ranges) => `${address}/${length}`
  /** The address behind another one. */
  const after = (address: string, by: number) => address.replace(/0?$/, String(by))
  const pool = (name: string, address: string, { length }: Ranges, metadata = {}) =>
    lab().pool(name, [`${address}/${length - 8}`], {}, metadata)
  const gives = (name: string, address: string, { spec }: Ranges, tier: string, wish: ServiceWish = {}) =>
    lab().gives(name, [address], { labels: { tier }, ...wish, spec: { ...spec, ...wish.spec } })
  const from = (name: string) => ({ annotations: { 'metallb.io/address-pool': name } })

  describe('BGP Node Selector Two services, two distinct advertisements with different node selectors', () => {
    test.each(NODE_TABLE)('%s', async (_name, ranges, ofFirst, ofSecond) => {
      for (const [name, address, which] of [
        ['first', ranges.first, ofFirst],
        ['second', ranges.second, ofSecond],
      ] as const) {
        await pool(name, address, ranges)
        await lab().bgp(name, { ipAddressPools: [name], ...onNodes(which) })
        await gives(name, address, ranges, name, from(name))
      }
      await told(whole(ranges.second, ranges)).toEqual(nodes(ofSecond))
      await told(whole(ranges.first, ranges)).toEqual(nodes(ofFirst))
    })
  })

  describe('BGP Node Selector Single service, two advertisement with different node selectors FRR', () => {
    test.each(NODE_TABLE)('%s', async (_name, ranges, ofFirst, ofSecond) => {
      await pool('first', ranges.first, ranges)
      await lab().bgp('first-adv', { communities: ['65000:100'], ...onNodes(ofFirst) })
      await lab().bgp('second-adv', { communities: ['65000:200'], ...onNodes(ofSecond) })
      await gives('first-lb', ranges.first, ranges, 'any')
      const of = (node: string) => [
        ...(nodes(ofFirst).some((one) => one === node) ? ['65000:100'] : []),
        ...(nodes(ofSecond).some((one) => one === node) ? ['65000:200'] : []),
      ]
      const wanted = NODES.filter((node) => of(node).length > 0).map((node) => `${node} ${of(node).join(' ')}`)
      await told(whole(ranges.first, ranges)).toEqual(wanted.toSorted())
    })
  })

  describe('BGP Node Selector One service, one advertisement with node selector, labeling node', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      const label = 'bgp-node-selector-test'
      await pool('test-pool', ranges.first, ranges)
      await lab().bgp('test-adv', { communities: ['65000:100'], nodeSelectors: [{ matchLabels: { [label]: 'true' } }] })
      await gives('external-local-lb', ranges.first, ranges, 'any')
      expect(await paths(whole(ranges.first, ranges))).toEqual([])
      await lab().relabel(NODES[0], { [label]: 'true' })
      await told(whole(ranges.first, ranges)).toEqual([`${NODES[0]} 65000:100`])
      await lab().relabel(NODES[0], { [label]: null })
      await told(whole(ranges.first, ranges)).toEqual([])
    })
  })

  /** The nodes whose sessions with the router are up. */
  async function peered(): Promise<readonly string[]> {
    const { ipv4Unicast } = (await lab().router('show bgp summary')) as {
      ipv4Unicast?: { peers?: Record<string, { state: string }> }
    }
    const up = Object.entries(ipv4Unicast?.peers ?? {}).filter(([, { state }]) => state === 'Established')
    return NODES.filter((node) => up.some(([address]) => address === addressOf(node, 'IPv4'))).toSorted()
  }

  describe('BGP Node Selector Peer selector IPV4 Should work with a limited set of nodes', () => {
    afterEach(() => lab().peer('tor', { nodeSelectors: null }))
    test.each([
      ['First to one, second to two', [[0], [1, 2]]],
      ['First to one, second to one, third to three', [[0], [1], [0, 1, 2]]],
      ['First to one, second to one, third to same as first', [[0], [1], [0]]],
    ])('%s', async (_name, all) => {
      for (const which of all) {
        await lab().peer('tor', onNodes(which))
        await expect.poll(peered, { timeout: 20_000 }).toEqual(nodes(which))
      }
    })
  })

  describe('BGP Service Selector Pool and service selectors together', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      await pool('pool-a', ranges.first, ranges, { labels: { pool: 'a' } })
      await pool('pool-b', ranges.second, ranges, { labels: { pool: 'b' } })
      await lab().bgp('adv', { ipAddressPoolSelectors: [{ matchLabels: { pool: 'a' } }], ...labelled('true') })
      await gives('svc-wrong-pool', ranges.second, ranges, 'true', from('pool-b'))
      await gives('svc-neither', after(ranges.second, 1), ranges, 'false', from('pool-b'))
      await gives('svc-no-label', ranges.first, ranges, 'false', from('pool-a'))
      await gives('svc-matching', after(ranges.first, 1), ranges, 'true', from('pool-a'))
      await told(whole(after(ranges.first, 1), ranges)).toEqual(everywhere())
      for (const silent of [ranges.first, ranges.second, after(ranges.second, 1)])
        expect(await paths(whole(silent, ranges))).toEqual([])
    })
  })

  describe('BGP Service Selector Multiple service selectors', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      await pool('bgp-test-pool', ranges.first, ranges)
      await lab().bgp('with-multiple-selectors', labelled('frontend', 'backend'))
      await gives('other-svc', ranges.first, ranges, 'other')
      await gives('frontend-svc', after(ranges.first, 1), ranges, 'frontend')
      await gives('backend-svc', after(ranges.first, 2), ranges, 'backend')
      for (const at of [1, 2]) await told(whole(after(ranges.first, at), ranges)).toEqual(everywhere())
      expect(await paths(whole(ranges.first, ranges))).toEqual([])
    })
  })

  /** Two Services, of which the advertisement means the first one. */
  async function prodAndStaged(ranges: Ranges): Promise<void> {
    await pool('bgp-update-pool', ranges.first, ranges)
    await lab().bgp('adv-environment-selector', labelled('production'))
    await gives('svc-staged', after(ranges.first, 1), ranges, 'staged', asks(after(ranges.first, 1)))
    await gives('svc-prod', ranges.first, ranges, 'production', asks(ranges.first))
    await told(whole(ranges.first, ranges)).toEqual(everywhere())
    expect(await paths(whole(after(ranges.first, 1), ranges))).toEqual([])
  }
  async function areChanged(ranges: Ranges): Promise<void> {
    await told(whole(after(ranges.first, 1), ranges)).toEqual(everywhere())
    await told(whole(ranges.first, ranges)).toEqual([])
  }
  const asks = (loadBalancerIP: string) => ({ spec: { loadBalancerIP } })

  describe('BGP Service Selector Service selector updates propagate to BGP routes by updating BGPAdvertisement ServiceSelectors', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      await prodAndStaged(ranges)
      await lab().bgp('adv-environment-selector', labelled('staged'))
      await areChanged(ranges)
    })
  })

  describe('BGP Service Selector Service selector updates propagate to BGP routes by updating Service labels', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      await prodAndStaged(ranges)
      await lab().labelService('svc-prod', { tier: 'staged' })
      await lab().labelService('svc-staged', { tier: 'production' })
      await areChanged(ranges)
    })
  })

  describe('BGP Service Selector Service selectors with split aggregation length advertisements', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      await pool('selector-aggregation-pool', ranges.first, ranges)
      const length = ranges.length - 8
      await lab().bgp('adv-selector-only', labelled('production'))
      await lab().bgp('adv-aggregation-only', length > 32 ? { aggregationLengthV6: length } : { aggregationLength: length })
      await gives('staged', after(ranges.first, 1), ranges, 'staged', asks(after(ranges.first, 1)))
      await gives('prod', ranges.first, ranges, 'production', asks(ranges.first))
      await told(whole(ranges.first, ranges)).toEqual(everywhere())
      await told(`${ranges.first}/${length}`).toEqual(everywhere())
    })
  })

  const communities = (...all: readonly string[]) => ({ communities: all })
  const asTwo = async (ranges: Ranges, prod: string, staged: string) => {
    await gives('prod', ranges.first, ranges, 'production', asks(ranges.first))
    await told(whole(ranges.first, ranges)).toEqual(everywhere(prod))
    const other = staged === '65000:200' ? ranges.second : after(ranges.first, 1)
    await gives('staged', other, ranges, 'staged', asks(other))
    await told(whole(other, ranges)).toEqual(everywhere(staged))
  }

  describe('BGP Service Selector Overlapping BGP advertisements where selected service gets all communities and staged gets shared only', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      await pool('merge-pool', ranges.first, ranges)
      await lab().bgp('adv-merge-prod-community', { ...communities('65000:300'), ...labelled('production') })
      await lab().bgp('adv-merge-all-community', communities('65000:400'))
      await asTwo(ranges, '65000:300 65000:400', '65000:400')
    })
  })

  describe('BGP Service Selector Non-overlapping BGP advertisements apply distinct communities by service selector', () => {
    test.each(FAMILIES)('%s', async (_name, ranges) => {
      await pool('prod', ranges.first, ranges)
      await pool('staged', ranges.second, ranges)
      await lab().bgp('prod', { ipAddressPools: ['prod'], ...communities('65000:100'), ...labelled('production') })
      await lab().bgp('staged', { ipAddressPools: ['staged'], ...communities('65000:200'), ...labelled('staged') })
      await asTwo(ranges, '65000:100', '65000:200')
    })
  })
}
