/** One change costs the same in a large cluster as in a small one: counted in objects that the planner looks at, not in time. */
import { expect, it } from 'vitest'
import type { World, WorldChange } from '../../src/model/world.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../support/world.ts'

/** A map that counts how many of its objects were looked at. */
class Counted<V> extends Map<string, V> {
  looks = 0

  override get(key: string): V | undefined {
    this.looks += 1
    return super.get(key)
  }

  override *[Symbol.iterator](): MapIterator<[string, V]> {
    for (const pair of super[Symbol.iterator]()) {
      this.looks += 1
      yield pair
    }
  }
}

const NODE = aNode('n1', { addresses: ['192.168.0.1'], podCIDRs: ['10.244.1.0/24'] })
const ports = [{ name: '', protocol: 'tcp' as const, port: 80, nodePort: 30001 }]
const slice = (index: number, last: number) =>
  aSlice(`default/s${index}-x`, `default/s${index}`, { ports, endpoints: [anEndpoint(`10.244.1.${last}`, { node: 'n1' })] })

function cluster(size: number) {
  const indexes = Array.from({ length: size }, (_, index) => index)
  const address = (index: number) => `${index >> 8}.${index & 255}`
  const world = aWorld({
    services: indexes.map((index) =>
      aService(`default/s${index}`, {
        type: 'LoadBalancer',
        clusterIPs: [`10.96.${address(index)}`],
        loadBalancerIPs: [`203.0.${address(index)}`],
        externalPolicy: 'Local',
        ports: ports.map((port) => ({ ...port, nodePort: 30_000 + index })),
      }),
    ),
    slices: indexes.map((index) => slice(index, 1)),
    pods: indexes.map((index) => aPod(`default/p${index}`, 'n1', { addresses: [`10.245.${address(index)}`] })),
    nodes: [NODE, ...indexes.map((index) => aNode(`m${index}`, { addresses: [`192.169.${address(index)}`] }))],
  })
  return {
    ...world,
    services: new Counted(world.services),
    endpointSlices: new Counted(world.endpointSlices),
    pods: new Counted(world.pods),
    nodes: new Counted(world.nodes),
  }
}

const CHANGES: Readonly<Record<string, (world: World) => WorldChange>> = {
  'an endpoint': () => ({ kind: 'endpointSlice', key: 'default/s7-x', after: slice(7, 2) }),
  'a Service': (world) => {
    const before = world.services.get('default/s7')
    return { kind: 'service', key: 'default/s7', after: before && { ...before, affinityInSeconds: 60 } }
  },
  'a Service that goes': () => ({ kind: 'service', key: 'default/s7' }),
  'a pod': () => ({ kind: 'pod', key: 'default/p7', after: aPod('default/p7', 'n1', { addresses: ['10.245.9.9'] }) }),
  'another node': () => ({ kind: 'node', key: 'm7', after: aNode('m7', { addresses: ['203.0.0.7'] }) }),
}

const COLLECTIONS = { service: 'services', endpointSlice: 'endpointSlices', pod: 'pods', node: 'nodes' } as const

it.each(Object.entries(CHANGES))('%s', (_, change) => {
  const looks = [20, 400].map((size) => {
    const world = cluster(size)
    const planner = createPlanner('n1')
    planner.update(world, changesOf(world))
    const made = change(world)
    const objects = world[COLLECTIONS[made.kind as keyof typeof COLLECTIONS]] as Map<string, unknown>
    if (made.after === undefined) objects.delete(made.key)
    else objects.set(made.key, made.after)
    const counted = [world.services, world.endpointSlices, world.pods, world.nodes]
    for (const map of counted) map.looks = 0
    const delta = planner.update(world, [made])
    return { delta: delta.upserts.length + delta.removals.length, looks: counted.reduce((sum, { looks: seen }) => sum + seen, 0) }
  })
  expect(looks[1]).toEqual(looks[0])
  expect(looks[0]?.delta).toBeGreaterThan(0)
  expect(looks[0]?.looks).toBeLessThan(10)
})
