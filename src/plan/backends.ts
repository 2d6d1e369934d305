/** Groups of backends: what the ways into a Service have in common. */
import { createHash } from 'node:crypto'
import { type BackendGroup, GROUP_KEY_LIMIT, normalGroup } from '../model/datapath.ts'
import type { EndpointSlice, Family, Service, ServicePort } from '../model/world.ts'
import type { Here } from './neighbours.ts'
import { sourceRangesOf } from './source-ranges.ts'
import type { Place } from './topology.ts'
import { type Usable, usableEndpoints } from './traffic-policy.ts'

/** A key of bounded length: a long name keeps its beginning, and a digest stands for the rest. `scope` tells the groups of one owner apart. */
export function groupKey(owner: string, scope: string, family: Family): string {
  const tail = `/${scope}/${family}`
  const room = GROUP_KEY_LIMIT - tail.length
  if (Buffer.byteLength(owner) <= room) return `${owner}${tail}`
  const digest = createHash('sha256').update(owner).digest('hex').slice(0, 16)
  return `${owner.slice(0, room - digest.length - 1)}~${digest}${tail}`
}

/** Whether Fairway carries this Service at all: not a headless or external one, nor one that is labelled for another proxy. */
export function isCarried(service: Service): boolean {
  return service.type !== 'ExternalName' && service.clusterIPs.length > 0 && !service.leftAlone
}

/** A group without conditions: everybody may come, and nobody is remembered. */
export const PLAIN = { whenEmpty: 'refuse', affinityInSeconds: 0, sourceRanges: [] } as const

/**
 * Whose flows a group of a Service is for: `cluster` those that no policy binds, from all usable endpoints; `internal` and
 * `external` those under policy Local, from this node's alone.
 */
export type Scope = 'cluster' | 'internal' | 'external'

/** The scope of flows to the cluster addresses of a Service. */
export function internalScope({ internalPolicy }: Service): Scope {
  return internalPolicy === 'Local' ? 'internal' : 'cluster'
}

/** The scope of flows from outside to the nodePorts, external and load-balancer addresses of a Service. */
export function externalScope({ externalPolicy }: Service): Scope {
  return externalPolicy === 'Local' ? 'external' : 'cluster'
}

/** The groups of one Service on one node, each made when it is asked for. */
export class ServiceGroups {
  private readonly service: Service
  private readonly slices: readonly EndpointSlice[]
  private readonly here: Place & Pick<Here, 'addresses'>
  private readonly known = new Map<string, Usable>()

  constructor(service: Service, slices: readonly EndpointSlice[], here: Place & Pick<Here, 'addresses'>) {
    this.service = service
    this.slices = slices
    this.here = here
  }

  /** Whether the cluster has an endpoint for this port at all. */
  hasAny(port: ServicePort, family: Family): boolean {
    return this.usable(port, family).cluster.length > 0
  }

  /**
   * Under policy Local a node without endpoints is silent while another has some, because a client may be on its way to that one;
   * sources are kept under the external policy Local, which is what it is for.
   */
  group(port: ServicePort, family: Family, scope: Scope): BackendGroup {
    const { cluster, local } = this.usable(port, family)
    return normalGroup({
      kind: 'group',
      key: groupKey(`${this.service.key}:${port.name}`, scope, family),
      family,
      masquerade: scope === 'external' ? 'none' : 'outsiders',
      whenEmpty: scope === 'cluster' || cluster.length === 0 ? 'refuse' : 'drop',
      affinityInSeconds: this.service.affinityInSeconds,
      sourceRanges: [],
      backends: scope === 'cluster' ? cluster : local,
    })
  }

  /** As `group`, for clients within the source ranges of the Service only: the same group when there are none. */
  ranged(port: ServicePort, family: Family, scope: Scope): BackendGroup {
    const group = this.group(port, family, scope)
    const sourceRanges = sourceRangesOf(this.service, family, this.here.addresses)
    if (sourceRanges === undefined) return group
    const key = groupKey(`${this.service.key}:${port.name}`, `${scope}-ranged`, family)
    return sourceRanges.length > 0
      ? { ...group, key, sourceRanges }
      : normalGroup({ ...group, key, whenEmpty: 'drop', backends: [] })
  }

  private usable(port: ServicePort, family: Family): Usable {
    const key = `${family}/${port.protocol}/${port.name}`
    const known = this.known.get(key)
    if (known !== undefined) return known
    const made = usableEndpoints(port, family, this.slices, this.here)
    this.known.set(key, made)
    return made
  }
}
