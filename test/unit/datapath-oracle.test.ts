/**
 * Random worlds, and an independent statement of what Services and hostPorts mean: planner, renderer and tracer together must say
 * what these few lines say of every packet.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { familyOf } from '../../src/model/datapath.ts'
import type { Family, Protocol, Service, World } from '../../src/model/world.ts'
import { emptyWorld, steps, take } from '../support/arbitrary-world.ts'
import { everyTrace, nodeOf } from '../support/datapath.ts'

const NODE = 'n1'
const LOCAL = ['192.168.0.1', 'fd00::1', '127.0.0.1', '::1', '10.9.9.9']
const isLocal = (address: string): boolean => LOCAL.includes(address)

/** Where a packet goes: translated to one of `to`, refused, dropped, or left alone. */
type Meaning = { readonly is: 'refused' | 'dropped' | 'alone' } | { readonly is: 'to'; readonly to: readonly string[] }

const served = (service: Service): boolean =>
  service.type !== 'ExternalName' && service.clusterIPs.length > 0 && !service.leftAlone
const oldestFirst = <T extends { createdAtInMs: number; name: string }>(list: readonly T[]): readonly T[] =>
  list.toSorted((one, other) => one.createdAtInMs - other.createdAtInMs || (one.name < other.name ? -1 : 1))

function backends(world: World, service: Service, portName: string, protocol: Protocol, family: Family): readonly string[] {
  const all = [...world.endpointSlices.values()]
    .filter((slice) => slice.service === service.key && slice.family === family)
    .flatMap((slice) => {
      const port = slice.ports.find((one) => one.name === portName && one.protocol === protocol)
      return port === undefined
        ? []
        : slice.endpoints.map((endpoint) => ({ ...endpoint, at: `${endpoint.address} ${port.port}` }))
    })
  const ready = all.filter((one) => one.ready)
  const leaving = all.filter((one) => !one.ready && one.serving && one.terminating)
  return [...new Set((ready.length > 0 ? ready : leaving).map(({ at }) => at))].toSorted()
}

interface Wish {
  readonly name: string
  readonly createdAtInMs: number
  /** '' for every address. */
  readonly on: string
  readonly meaning: Meaning
}

const toBackends = (to: readonly string[]): Meaning => (to.length === 0 ? { is: 'refused' } : { is: 'to', to })

/** Everybody who asks for a port of this node, in one family. */
function wishes(world: World, family: Family, protocol: Protocol, port: number): readonly Wish[] {
  const services = [...world.services.values()].filter(
    (one) => served(one) && one.type !== 'ClusterIP' && one.families.includes(family),
  )
  const nodePorts = services.flatMap((service) => {
    const mine = service.ports.find((one) => one.nodePort === port && one.protocol === protocol)
    if (mine === undefined) return []
    const meaning = toBackends(backends(world, service, mine.name, protocol, family))
    return [{ name: `service/${service.key}`, createdAtInMs: service.createdAtInMs, on: '', meaning }]
  })
  const pods = [...world.pods.values()].filter((pod) => pod.node === NODE && !pod.finished)
  const hostPorts = pods.flatMap((pod) => {
    const address = pod.addresses.find((one) => familyOf(one) === family)
    const every = family === 'ipv4' ? '0.0.0.0' : '::'
    const mine = pod.hostPorts.filter((one) => one.hostPort === port && one.protocol === protocol)
    const ours = mine.filter((one) => one.hostIP === '' || familyOf(one.hostIP) === family)
    return ours.flatMap((one) => {
      if (address === undefined) return []
      const meaning: Meaning =
        pod.hostNetwork || one.hostIP === '::1' ? { is: 'alone' } : { is: 'to', to: [`${address} ${one.containerPort}`] }
      return [
        {
          name: `pod/${pod.key}`,
          createdAtInMs: pod.createdAtInMs,
          on: ['', every].includes(one.hostIP) ? '' : one.hostIP,
          meaning,
          host: true,
        },
      ]
    })
  })
  return [...nodePorts, ...hostPorts]
}

function meaningOf(world: World, to: string, protocol: Protocol, port: number): Meaning {
  const family = familyOf(to)
  const owners = [...world.services.values()].filter((one) => served(one) && one.clusterIPs.includes(to))
  if (owners.length > 0) {
    const named = owners.map((service) => ({ name: service.key, createdAtInMs: service.createdAtInMs, service }))
    for (const { service } of oldestFirst(named)) {
      const mine = service.ports.find((one) => one.port === port && one.protocol === protocol)
      if (mine !== undefined) return toBackends(backends(world, service, mine.name, protocol, family))
    }
    return { is: 'refused' }
  }
  const standing: Wish[] = []
  for (const wish of oldestFirst(wishes(world, family, protocol, port))) {
    const overlaps = (other: Wish) => other.name !== wish.name && (other.on === '' || wish.on === '' || other.on === wish.on)
    if (!standing.some(overlaps)) standing.push(wish)
  }
  const nodeAddresses = world.nodes.get(NODE)?.addresses ?? []
  const answers = standing.find((wish) => {
    if (wish.name.startsWith('service/')) return nodeAddresses.includes(to)
    return isLocal(to) && (wish.on === '' ? to !== '::1' : wish.on === to)
  })
  return answers?.meaning ?? { is: 'alone' }
}

const tos = ['10.96.0.1', '10.96.0.2', 'fd00:96::1', '192.168.0.1', 'fd00::1', '127.0.0.1', '::1', '10.9.9.9', '203.0.113.1']

it('what the rules do is what Services and hostPorts mean', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = emptyWorld()
      for (const step of all) take(world, step)
      fc.pre(unambiguous(world))
      const tracers = await nodeOf(world, NODE)
      for (const to of tos) {
        for (const [protocol, port] of [
          ['tcp', 80],
          ['udp', 81],
          ['tcp', 30001],
          ['udp', 30002],
          ['udp', 80],
        ] as const) {
          const family = familyOf(to)
          const from = family === 'ipv4' ? '192.168.0.1' : 'fd00::1'
          const packet = { family, protocol, from, fromPort: 40_000, to, port, interface: '' } // the node itself: it reaches loopback, too
          const traces = everyTrace(tracers[family], packet, isLocal)
          const is = traces.map((one): Meaning['is'] => (one.translated ? 'to' : one.outcome === 'refused' ? 'refused' : 'alone'))
          const went = { is: is[0], ...(is[0] === 'to' ? { to: traces.map((one) => `${one.to} ${one.port}`).toSorted() } : {}) }
          expect({ to, protocol, port, went }).toEqual({ to, protocol, port, went: meaningOf(world, to, protocol, port) })
        }
      }
    }),
    { numRuns: 300 },
  )
})

/** Leaves out what the API forbids: a pod or Service that asks for one port twice. */
function unambiguous(world: World): boolean {
  const services = [...world.services.values()].every(({ ports }) => {
    const unique = (pick: (port: Service['ports'][number]) => string) => new Set(ports.map(pick)).size === ports.length
    const nodePorts = ports.filter(({ nodePort }) => nodePort !== 0).map((port) => `${port.nodePort} ${port.protocol}`)
    return unique((port) => `${port.port} ${port.protocol}`) && new Set(nodePorts).size === nodePorts.length
  })
  return (
    services &&
    [...world.pods.values()].every(
      ({ hostPorts }) => new Set(hostPorts.map((one) => `${one.hostPort} ${one.protocol}`)).size === hostPorts.length,
    )
  )
}
