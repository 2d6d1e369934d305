import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aBgpConfig, anAdvertisement, aPeer } from '../../test/support/bgp-config.ts'
import { aBgpAdvertisement, aPool, byKey } from '../../test/support/load-balancer.ts'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../../test/support/world.ts'
import type { BgpRoute, BgpSession } from '../model/bgp.ts'
import { createBgpPlanner } from '../plan/bgp.ts'
import { plannedRoutes } from './planned-routes.ts'

const HERE = aNode('here', { addresses: ['192.168.0.10', 'fd00::10'], podCIDRs: ['10.244.1.0/24', 'fd00:1:0:1::/64'] })

const pods = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), last: fc.integer({ min: 1, max: 40 }), ready: fc.boolean() }),
  { selector: ({ name }) => name },
)
const advertisements = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('x', 'y', 'z'),
    nodeRanges: fc.boolean(),
    pods: fc.option(fc.constant({ selector: [], namespaces: [] }), { nil: undefined }),
    peers: fc.constantFrom<readonly string[]>([], ['tor'], ['other'], ['gone']),
    communities: fc.constantFrom<readonly string[]>([], ['1:2'], ['1:2', '3:4']),
    localPreference: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    lengths: fc.constantFrom({ ipv4: 28, ipv6: 124 }, { ipv4: 32, ipv6: 128 }),
  }),
  { selector: ({ name }) => name },
)

const services = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 's', 't'),
    last: fc.integer({ min: 1, max: 40 }),
    externalPolicy: fc.constantFrom('Cluster' as const, 'Local' as const),
    loadBalancerClass: fc.constantFrom('', 'example.com/one', 'example.com/one'),
  }),
  { selector: ({ name }) => name },
)
const BALANCED = { type: 'LoadBalancer', ports: [{ name: '', protocol: 'tcp', port: 80, nodePort: 0 }] } as const
const SLICE = aSlice('default/s-1', 'default/s', {
  ports: [{ name: '', protocol: 'tcp', port: 80 }],
  endpoints: [anEndpoint('10.244.1.2', { node: 'here' })],
})
const POOLS = byKey(aPool('p', ['192.168.9.0-192.168.9.20', 'fd00:9::-fd00:9::20']))
const BGP_ADVERTISEMENTS = byKey(
  aBgpAdvertisement('all', { communities: ['5:6'], lengths: { ipv4: 30, ipv6: 128 } }),
  aBgpAdvertisement('one', { peers: ['tor'], localPreference: 7 }),
)

test('is what the planner of the node has: prefixes, who asks for them, and what each session carries', () => {
  fc.assert(
    fc.property(pods, advertisements, services, fc.boolean(), (some, asked, balanced, bothFamilies) => {
      const there = some.map(({ name, last, ready }) =>
        aPod(`default/${name}`, 'here', { ready, addresses: [`10.244.1.${last}`, `fd00:1:0:1::${last}`] }),
      )
      const peers = [aPeer('tor', { bothFamilies }), aPeer('other', { peerAddress: 'fd00::2' })]
      const config = aBgpConfig(
        { peers, advertisements: asked.map(({ name, ...part }) => anAdvertisement(name, part)) },
        { pools: POOLS, bgpAdvertisements: BGP_ADVERTISEMENTS },
      )
      const served = balanced.map(({ name, last, ...part }) =>
        aService(`default/${name}`, { ...BALANCED, ...part, loadBalancerIPs: [`192.168.9.${last}`, `fd00:9::${last}`] }),
      )
      const planner = createBgpPlanner('here', { kernelTable: 0, loadBalancerClass: 'example.com/one' })
      const world = aWorld({ nodes: [HERE], pods: there, services: served, slices: [SLICE] })
      planner.update({ world, config, drain: 'none' }, [{ kind: 'drain', key: '' }])
      const entries = [...planner.entries.values()]
      const wanted = new Map(entries.filter((entry): entry is BgpRoute => entry.kind === 'route').map((one) => [one.prefix, one]))

      const { routes, findings } = plannedRoutes({
        node: HERE,
        nodes: [HERE],
        pods: there,
        services: served,
        slices: new Map([[SLICE.service, [SLICE]]]),
        config,
        loadBalancerClass: 'example.com/one',
      })
      expect(routes.map(({ prefix }) => prefix).toSorted()).toEqual([...wanted.keys()].toSorted())
      expect(findings.map(({ message }) => message).toSorted()).toEqual(planner.findings.map(({ message }) => message).toSorted())
      for (const { prefix, sources, paths } of routes) {
        const services = sources.flatMap((one) => one.services.map((key) => `service/${key}`))
        const askers = [
          ...services,
          ...sources.flatMap((one) => one.pods),
          ...(sources.some(({ nodeRange }) => nodeRange) ? ['node'] : []),
        ]
        expect([...new Set(askers)].toSorted()).toEqual(planner.askersOf(prefix))
        const carried = entries
          .filter((entry): entry is BgpSession => entry.kind === 'session')
          .flatMap((session) => {
            const meant =
              wanted
                .get(prefix)
                ?.announcements.filter((one) => one.sessions.length === 0 || one.sessions.includes(session.key)) ?? []
            if (session.nextHops[prefix.includes(':') ? 'ipv6' : 'ipv4'] === undefined || meant.length === 0) return []
            return [[session.name, [...new Set(meant.flatMap((one) => one.communities))].toSorted()]]
          })
        expect(paths.map(({ peer, communities }) => [peer, communities])).toEqual(carried)
      }
    }),
  )
})

test('the highest local preference is the one that counts', () => {
  const ranges = [200, 300, 100].map((localPreference) =>
    anAdvertisement(`p${localPreference}`, { nodeRanges: true, localPreference }),
  )
  const { routes } = plannedRoutes({
    ...{ node: HERE, nodes: [HERE], pods: [], services: [], slices: new Map(), loadBalancerClass: '' },
    config: aBgpConfig({ peers: [aPeer('tor')], advertisements: ranges }),
  })
  expect(routes[0]?.paths).toEqual([{ peer: 'tor', namespace: 'metallb-system', communities: [], localPreference: 300 }])
})
