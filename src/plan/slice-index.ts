import type { EndpointSlice, ObjectKey } from '../model/world.ts'

/** Which slices a Service has, and which Service a slice was last seen with. */
export class SliceIndex {
  private readonly slicesOf = new Map<ObjectKey, Set<ObjectKey>>()
  private readonly serviceOf = new Map<ObjectKey, ObjectKey>()

  /** The keys of a Service's slices. */
  of(service: ObjectKey): readonly ObjectKey[] {
    return [...(this.slicesOf.get(service) ?? [])]
  }

  /** The keys of all slices that are known. */
  keys(): readonly ObjectKey[] {
    return [...this.serviceOf.keys()]
  }

  /** Takes a slice as it is now (undefined: gone) and returns the Services that it belonged and belongs to. */
  set(key: ObjectKey, slice: EndpointSlice | undefined): readonly ObjectKey[] {
    const before = this.serviceOf.get(key)
    if (before !== undefined) this.remove(key, before)
    if (slice === undefined) return before === undefined ? [] : [before]
    this.serviceOf.set(key, slice.service)
    const siblings = this.slicesOf.get(slice.service) ?? new Set()
    this.slicesOf.set(slice.service, siblings.add(key))
    return before === undefined ? [slice.service] : [before, slice.service]
  }

  private remove(key: ObjectKey, service: ObjectKey): void {
    this.serviceOf.delete(key)
    const siblings = this.slicesOf.get(service)
    siblings?.delete(key)
    if (siblings?.size === 0) this.slicesOf.delete(service)
  }
}
