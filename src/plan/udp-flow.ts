/**
 * Which recorded UDP flows have become stale. The kernel asks the rules about the first datagram of a flow only, so a client that
 * goes on sending from one port stays with an endpoint that is gone, until it is made to forget.
 */
import type { Backend, BackendGroup, DataPathEntry, Frontend } from '../model/datapath.ts'
import { type FlowMatch, isTranslated, type RecordedFlow } from '../model/flow.ts'
import type { EndpointSlice, Family } from '../model/world.ts'

/**
 * A UDP destination and the places that its flows may go on to: those that new flows draw from, and endpoints that still serve
 * (a terminating one keeps the flows that it has, as TCP connections do).
 */
export interface UdpTarget {
  readonly key: string
  readonly family: Family
  /** '' for a port of the node. */
  readonly address: string
  readonly port: number
  readonly backends: ReadonlyMap<string, Backend>
}

/**
 * The UDP destinations of one unit's entries; `slices` are those of its Service, none for a pod.
 * Source: Kubernetes pkg/proxy/conntrack/cleanup.go (serving endpoints keep their flows, whatever the policies say).
 */
export function udpTargets(entries: readonly DataPathEntry[], slices: readonly EndpointSlice[]): readonly UdpTarget[] {
  const frontends = entries.filter((entry): entry is Frontend => entry.kind === 'frontend' && entry.protocol === 'udp')
  if (frontends.length === 0) return []
  const groups = new Map(
    entries.flatMap((entry): [string, BackendGroup][] => (entry.kind === 'group' ? [[entry.key, entry]] : [])),
  )
  const targets = new Map<string, UdpTarget & { readonly backends: Map<string, Backend> }>()
  for (const { at, family, address, port, group } of frontends) {
    const key = `${at}/${family}/${address}/${port}`
    const target = targets.get(key) ?? { key, family, address, port, backends: servingBackends(slices, family) }
    for (const backend of groups.get(group)?.backends ?? []) target.backends.set(textOf(backend), backend)
    targets.set(key, target)
  }
  return [...targets.values()]
}

function servingBackends(slices: readonly EndpointSlice[], family: Family): Map<string, Backend> {
  const backends = new Map<string, Backend>()
  for (const slice of slices) {
    if (slice.family !== family) continue
    for (const { port, protocol } of slice.ports) {
      if (protocol !== 'udp') continue
      for (const { address, serving } of slice.endpoints) {
        if (serving) backends.set(textOf({ address, port }), { address, port })
      }
    }
  }
  return backends
}

function textOf({ address, port }: Backend): string {
  return `${address}/${port}`
}

interface Held {
  readonly unit: string
  readonly target: UdpTarget
}

/** The UDP destinations of all units, and what of the flows became stale since it was last asked. */
export class UdpTargets {
  private readonly held = new Map<string, Held>()
  private readonly byUnit = new Map<string, readonly string[]>()
  private readonly before = new Map<string, Held | undefined>()

  set(unit: string, targets: readonly UdpTarget[]): void {
    const known = this.byUnit.get(unit)
    if (known === undefined && targets.length === 0) return
    const now = new Set(targets.map(({ key }) => key))
    for (const key of known ?? []) {
      if (now.has(key) || this.held.get(key)?.unit !== unit) continue // another unit has it by now
      this.note(key)
      this.held.delete(key)
    }
    for (const target of targets) {
      this.note(target.key)
      this.held.set(target.key, { unit, target })
    }
    if (targets.length === 0) this.byUnit.delete(unit)
    else this.byUnit.set(unit, [...now])
  }

  /** Flows that became stale since the last call: those whose place has left, and those to a destination that nobody translated before. */
  takeStale(): readonly FlowMatch[] {
    const stale: FlowMatch[] = []
    for (const [key, before] of this.before) {
      const after = this.held.get(key)
      const { unit, target } = after ?? before ?? {}
      if (unit === undefined || target === undefined) continue
      const { family, address, port } = target
      const place = { family, address, port, owner: unit }
      for (const [text, server] of before?.target.backends ?? []) {
        if (after === undefined || !after.target.backends.has(text)) stale.push({ ...place, server })
      }
      const served = after !== undefined && after.target.backends.size > 0
      if (served && (before?.target.backends.size ?? 0) === 0) stale.push({ ...place, server: 'untranslated' })
    }
    this.before.clear()
    return stale
  }

  /**
   * Which of these flows are stale, whatever was known before: for the first look at a kernel that others wrote to.
   * `isHere` tells addresses of this node. A destination without any place to go keeps its flows, as no new ones could be better.
   */
  staleAmong(flows: Iterable<RecordedFlow>, isHere: (address: string) => boolean): readonly FlowMatch[] {
    const stale = new Map<string, FlowMatch>()
    for (const flow of flows) {
      const { family, destination, server } = flow
      const held = this.targetOf(flow, isHere)
      if (held === undefined || held.target.backends.size === 0 || held.target.backends.has(textOf(server))) continue
      const { address, port } = held.target
      const match: FlowMatch = { family, address, port, server: isTranslated(flow) ? server : 'untranslated', owner: held.unit }
      stale.set(`${held.target.key} ${isTranslated(flow) ? textOf(server) : ''} ${destination.port}`, match)
    }
    return [...stale.values()]
  }

  private targetOf({ family, destination }: RecordedFlow, isHere: (address: string) => boolean): Held | undefined {
    const { address, port } = destination
    const exact =
      this.held.get(`address/${family}/${address}/${port}`) ?? this.held.get(`host-address/${family}/${address}/${port}`)
    if (exact !== undefined || !isHere(address)) return exact
    return this.held.get(`host-port/${family}//${port}`) ?? this.held.get(`node-port/${family}//${port}`)
  }

  private note(key: string): void {
    if (!this.before.has(key)) this.before.set(key, this.held.get(key))
  }
}
