import { expect, test } from 'vitest'
import { aBgpConfig, anAdvertisement } from '../../test/support/bgp-config.ts'
import { aNode, aWorld } from '../../test/support/world.ts'
import { NOBODY_ELSE } from '../model/foreign.ts'
import { keepSourceRanges } from './keep-source.ts'
import { changesOf, createPlanner } from './planner.ts'
import { Yielding } from './yielding.ts'

const NODE = aNode('n1', { labels: { rack: 'one' }, podCIDRs: ['10.244.1.0/24'] })
const rack = (name: string) => [[{ key: 'rack', is: 'in', values: [name] }]] as const

test('ranges of all advertisements that choose the node, none within another, whether they announce here or not', () => {
  const advertisements = [
    anAdvertisement('a', { keepSourceTo: ['172.30.1.0/24', 'fd00:30::/64'], peers: ['gone'] }),
    anAdvertisement('b', { keepSourceTo: ['172.30.0.0/16', 'fd00:30::/64'], nodes: rack('one') }),
    anAdvertisement('c', { keepSourceTo: ['0.0.0.0/0'], nodes: rack('two') }),
  ]
  expect(keepSourceRanges(NODE, aBgpConfig({ advertisements }))).toEqual(['172.30.0.0/16', 'fd00:30::/64'])
  expect(keepSourceRanges(undefined, aBgpConfig({ advertisements }))).toEqual([])
})

test('the plan has them beside the world, and says what became different', () => {
  const planner = createPlanner('n1')
  const delta = planner.keepSource(['172.30.0.0/16'])
  const first = { kind: 'keep-source', key: 'keep-source/172.30.0.0/16', family: 'ipv4', cidr: '172.30.0.0/16' }
  expect(delta).toEqual({ upserts: [first], removals: [] })
  const world = aWorld({ nodes: [NODE] })
  planner.update(world, changesOf(world))
  expect(planner.entries.get(first.key)).toEqual(first)
  expect(planner.keepSource(['172.30.0.0/16'])).toEqual({ upserts: [], removals: [] })
  const next = planner.keepSource(['fd00:30::/64'])
  expect(next).toMatchObject({ upserts: [{ family: 'ipv6', cidr: 'fd00:30::/64' }], removals: [first.key] })
})

test('another service proxy on the node does not stand in its way', () => {
  const planner = createPlanner('n1')
  const yielding = new Yielding(planner)
  yielding.set({ ...NOBODY_ELSE, serviceProxy: 'kube-proxy' })
  const delta = planner.keepSource(['172.30.0.0/16'])
  expect(yielding.filter(delta)).toEqual(delta)
})
