import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aBgpConfig, anAdvertisement, aPeer } from '../../test/support/bgp-config.ts'
import { aNode, aPod, aWorld } from '../../test/support/world.ts'
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

test('is what the planner of the node has: prefixes, who asks for them, and what each session carries', () => {
  fc.assert(
    fc.property(pods, advertisements, fc.boolean(), (some, asked, bothFamilies) => {
      const there = some.map(({ name, last, ready }) =>
        aPod(`default/${name}`, 'here', { ready, addresses: [`10.244.1.${last}`, `fd00:1:0:1::${last}`] }),
      )
      const peers = [aPeer('tor', { bothFamilies }), aPeer('other', { peerAddress: 'fd00::2' })]
      const config = aBgpConfig({ peers, advertisements: asked.map(({ name, ...part }) => anAdvertisement(name, part)) })
      const planner = createBgpPlanner('here', { kernelTable: 0 })
      planner.update({ world: aWorld({ nodes: [HERE], pods: there }), config, drain: 'none' }, [{ kind: 'drain', key: '' }])
      const entries = [...planner.entries.values()]
      const wanted = new Map(entries.filter((entry): entry is BgpRoute => entry.kind === 'route').map((one) => [one.prefix, one]))

      const { routes, findings } = plannedRoutes(HERE, there, config)
      expect(routes.map(({ prefix }) => prefix).toSorted()).toEqual([...wanted.keys()].toSorted())
      expect(findings.map(({ message }) => message).toSorted()).toEqual(planner.findings.map(({ message }) => message).toSorted())
      for (const { prefix, sources, paths } of routes) {
        const askers = [...sources.flatMap((one) => one.pods), ...(sources.some(({ nodeRange }) => nodeRange) ? ['node'] : [])]
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
  const { routes } = plannedRoutes(HERE, [], aBgpConfig({ peers: [aPeer('tor')], advertisements: ranges }))
  expect(routes[0]?.paths).toEqual([{ peer: 'tor', namespace: 'metallb-system', communities: [], localPreference: 300 }])
})
