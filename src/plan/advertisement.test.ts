import { describe, expect, test } from 'vitest'
import { aBgpAdvertisement, aPool, byKey } from '../../test/support/load-balancer.ts'
import { aNode } from '../../test/support/world.ts'
import type { Selector } from '../model/selector.ts'
import { type Advertised, addressesToAnnounce, advertisementsOf, poolOf } from './advertisement.ts'

const is = (key: string, value: string): Selector => [{ key, is: 'in', values: [value] }]
const service = (part: Partial<Advertised> = {}): Advertised => ({ addressPool: '', labels: {}, ...part })

test.each([
  ['', '', true],
  ['', 'example.com/ours', false],
  ['example.com/ours', '', false],
  ['example.com/ours', 'example.com/ours', true],
  ['example.com/ours', 'example.com/other', false],
])('of class %j, where %j is announced: %j', (loadBalancerClass, ours, isAnnounced) => {
  const loadBalancerIPs = ['192.168.9.7', 'fd00:9::7']
  expect(addressesToAnnounce({ loadBalancerIPs, loadBalancerClass }, ours)).toEqual(isAnnounced ? loadBalancerIPs : [])
})

describe('the pool of an address', () => {
  const pools = byKey(
    aPool('one', ['192.168.9.0-192.168.9.255', 'fd00:9::-fd00:9::ff']),
    aPool('two', ['192.168.10.5-192.168.10.5']),
    aPool('over', ['192.168.9.128-192.168.9.255']),
  )
  const cases: readonly (readonly [string, string, string, string | undefined])[] = [
    ['the first of a span', '', '192.168.9.0', 'one'],
    ['the last of a span', '', 'fd00:9::ff', 'one'],
    ['after the last', '', 'fd00:9::100', undefined],
    ['a span of one', '', '192.168.10.5', 'two'],
    ['in no pool', '', '192.168.10.4', undefined],
    ['of two pools the first by key', '', '192.168.9.200', 'one'],
    ['the one that the Service names', 'over', '192.168.9.200', 'over'],
    ['named, though the address is no longer in it', 'two', '192.168.9.7', 'two'],
    ['named, and that is gone', 'gone', '192.168.9.7', 'one'],
    ['named, that is gone, and no other has it', 'gone', '192.168.11.1', 'gone'],
  ]
  test.each(cases)('%s', (_, addressPool, address, pool) => {
    expect(poolOf({ addressPool }, address, pools)?.name).toBe(pool)
    expect(poolOf({ addressPool }, address, new Map([...pools].reverse()))?.name).toBe(pool)
  })
})

describe('the advertisements of an address', () => {
  const pools = byKey(
    aPool('blue', ['192.168.9.0-192.168.9.9'], { labels: { colour: 'blue' } }),
    aPool('red', ['192.168.10.0-192.168.10.9']),
  )
  const cases = [
    ['without selectors: any address from a pool', {}, '192.168.9.1', true],
    ['without selectors: none that is from no pool', {}, '192.168.11.1', false],
    ['without selectors: one that is kept though its pool is gone', {}, '192.168.11.1', true, 'gone'],
    ['a pool that is gone by name', { pools: ['gone'] }, '192.168.11.1', true, 'gone'],
    ['another one by name than that which is gone', { pools: ['red'] }, '192.168.11.1', false, 'gone'],
    ['its pool by name', { pools: ['red', 'blue'] }, '192.168.9.1', true],
    ['another pool by name', { pools: ['red'] }, '192.168.9.1', false],
    ['its pool by label', { poolSelectors: [is('colour', 'blue')] }, '192.168.9.1', true],
    ['another pool by label', { poolSelectors: [is('colour', 'blue')] }, '192.168.10.1', false],
    ['by name or by label', { pools: ['red'], poolSelectors: [is('colour', 'blue')] }, '192.168.10.1', true],
    ['Services of that label', { services: [is('app', 'web')] }, '192.168.9.1', true],
    ['Services of another label', { services: [is('app', 'db')] }, '192.168.9.1', false],
    ['one of two labels of Services', { services: [is('app', 'db'), is('app', 'web')] }, '192.168.9.1', true],
    ['nodes of that label', { nodes: [is('rack', 'a')] }, '192.168.9.1', true],
    ['nodes of another label', { nodes: [is('rack', 'b')] }, '192.168.9.1', false],
  ] as const
  test.each(cases)('%s', (_, part, address, isThere, addressPool: string = '') => {
    const advertisements = byKey(aBgpAdvertisement('one', part))
    const node = aNode('n1', { labels: { rack: 'a' } })
    const found = advertisementsOf(service({ addressPool, labels: { app: 'web' } }), address, node, { pools, advertisements })
    expect(found.map(({ name }) => name)).toEqual(isThere ? ['one'] : [])
  })

  test('several, in the order of their keys', () => {
    const advertisements = byKey(aBgpAdvertisement('b'), aBgpAdvertisement('c', { pools: ['red'] }), aBgpAdvertisement('a'))
    const found = advertisementsOf(service(), '192.168.9.1', aNode('n1'), { pools, advertisements })
    expect(found.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})
