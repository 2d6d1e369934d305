/**
 * The plan means what kube-proxy 1.36's own rules mean for the same objects, destination by destination.
 *
 * Known differences: kube-proxy masquerades this node's pods, too, when a policy Cluster applies to a nodePort or an external
 * address; affinity is one set an endpoint there.
 */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Service as RawService, EndpointSlice as RawSlice } from '../../src/kube/types.ts'
import { convertEndpointSlice, convertService } from '../../src/kube/world-objects.ts'
import { frontendLines, planOf } from '../support/plan.ts'
import { aNode, aWorld } from '../support/world.ts'

const golden = (file: string) => readFileSync(`${import.meta.dirname}/../golden/kube-proxy/${file}`, 'utf8')
const items = <T>(file: string) => (JSON.parse(golden(file)) as { readonly items: readonly T[] }).items
const [rules = ''] = golden('nft-ruleset.txt').split('table ip6 ')

/** Elements of a map as `KEY` to what they lead to. */
function elements(name: string): ReadonlyMap<string, string> {
  const [, text = ''] = new RegExp(`map ${name} \\{[^}]*?elements = \\{([^}]*)\\}`).exec(rules) ?? []
  const pairs = text.split(',').map((element) => element.replace(/comment "[^"]*"/, '').split(/\s+:\s+/) as [string, string])
  return new Map(pairs.map(([key, to = '']) => [key.trim().replaceAll(' . ', '/'), to.replace('goto ', '').trim()]))
}

function chain(name: string): string {
  const at = rules.indexOf(`chain ${name} {`)
  return at < 0 ? '' : rules.slice(at, rules.indexOf('\n\t}', at))
}

/** `A:PORT B:PORT`, with the seconds of affinity, of a chain that spreads. */
function spread(name: string): string {
  const text = chain(name)
  const direct = [...text.matchAll(/\d+ : ([\d.]+) \. (\d+)/g)].map(([, address, port]) => `${address}:${port}`)
  const kept = [...text.matchAll(/\d+ : goto \S+__([\d.]+)\/(\d+)/g)].map(([, address, port]) => `${address}:${port}`)
  return kept.length > 0 ? `${kept.toSorted().join(' ')} (affinity 600 s)` : direct.toSorted().join(' ')
}

/** Lines as `frontendLines` has them, of one element that leads to `to`; `empty` is what the filter does when nothing was chosen. */
function meaning(place: string, to: string, empty: string | undefined): readonly string[] {
  if (!to.startsWith('external-')) return [`${place} -> ${spread(to)}`]
  const text = chain(to)
  const last = /goto ((?:service|local)-\S+)\n?$/.exec(text)?.[1]
  const inside = /goto (service-\S+) comment "short-circuit pod traffic"/.exec(text)?.[1]
  if (inside === undefined) return [`${place} -> ${spread(last ?? '')}`]
  const outside = last === undefined ? `${empty} (as sent)` : `${spread(last)} (as sent)`
  return [`${place} -> ${outside}`, `${place.replace('/', '-inside/')} -> ${spread(inside)}`]
}

function recorded(): readonly string[] {
  const firewall = elements('firewall-ips')
  const lines = (['address', 'node-port'] as const).flatMap((at) => {
    const [to, none] = at === 'address' ? ['service-ips', 'no-endpoint-services'] : ['service-nodeports', 'no-endpoint-nodeports']
    const [leads, empty] = [elements(to), elements(none)]
    const place = (key: string) => (at === 'address' ? `address/ipv4/${key}` : `node-port/ipv4/*/${key}`)
    const verdict = (key: string) => (empty.get(key) === 'reject-chain' ? 'refuse' : empty.get(key))
    const unled = [...empty.keys()].filter((key) => !leads.has(key))
    const found = [...leads].flatMap(([key, chainName]) => {
      const ranges = /saddr != \{ ([^}]*) \}/.exec(chain(firewall.get(key) ?? '-'))?.[1]?.replaceAll(',', '')
      return meaning(place(key), chainName, verdict(key)).map((line) =>
        ranges === undefined ? line : `${line} (from ${ranges})`,
      )
    })
    return [...found, ...unled.map((key) => `${place(key)} -> ${verdict(key)}`)]
  })
  return lines.toSorted()
}

it('is what kube-proxy’s rules mean', () => {
  const slices = items<RawSlice>('endpointslices.json').flatMap((raw) => convertEndpointSlice(raw).value ?? [])
  const services = items<RawService>('services.json').flatMap((raw) => convertService(raw).value ?? [])
  const node = aNode('n1', { addresses: ['192.168.7.1'], podCIDRs: ['10.244.1.0/24'] })
  const here = (name: string) => (name === 'node1' ? 'n1' : name) // the recorded node's name
  const world = aWorld({
    services,
    slices: slices.map((slice) => ({
      ...slice,
      endpoints: slice.endpoints.map((endpoint) => ({ ...endpoint, node: here(endpoint.node) })),
    })),
    nodes: [node],
  })
  const theirs = recorded().filter((line) => !line.startsWith('address/ipv4/10.96.0.1/')) // `default/kubernetes` is not in the lists
  expect(theirs.length).toBeGreaterThan(35)
  expect(frontendLines(planOf(world, { externalIPs: ['192.168.9.0/24'] }))).toEqual(theirs)
})
