/** What the kernel holds of one group, and what becomes of it with other backends. */
import type { Backend, BackendGroup } from '../../model/datapath.ts'
import { ENDPOINT_BASE } from './words.ts'

/** A group in the kernel: its id, its backends at their indexes, and its conditions. */
export interface GroupState extends Pick<BackendGroup, 'family' | 'whenEmpty' | 'affinityInSeconds' | 'sourceRanges'> {
  readonly id: number
  readonly slots: readonly Backend[]
  /** By which name clients remember the backend of each slot; empty without affinity. */
  readonly names: readonly number[]
}

/**
 * Backends at their indexes after a change, with as few moves as can be: who stays keeps its index, newcomers take the holes,
 * and the last ones move down into what is then still empty.
 */
export function arrange(slots: readonly Backend[], wanted: readonly Backend[]): readonly Backend[] {
  const missing = new Map(wanted.map((backend) => [textOf(backend), backend]))
  const arranged: (Backend | undefined)[] = wanted.map((_, index) => {
    const held = slots[index]
    return held !== undefined && missing.delete(textOf(held)) ? held : undefined
  })
  const rest = missing.values()
  return arranged.map((held) => held ?? (rest.next().value as Backend))
}

const NAMES = 0x1000_0000

/**
 * A name for each slot's backend, other than all others' in the group: who was named keeps it, and who comes back gets the name it
 * had, so that clients find it again.
 */
export function nameBackends(slots: readonly Backend[], before: Pick<GroupState, 'slots' | 'names'>): readonly number[] {
  const held = new Map(before.slots.map((backend, index) => [textOf(backend), before.names[index]]))
  const taken = new Set(slots.flatMap((backend) => held.get(textOf(backend)) ?? []))
  return slots.map((backend) => {
    const known = held.get(textOf(backend))
    if (known !== undefined) return known
    let name = hash(textOf(backend))
    while (taken.has(name)) name = ENDPOINT_BASE + ((name - ENDPOINT_BASE + 1) % NAMES)
    taken.add(name)
    return name
  })
}

function textOf({ address, port }: Backend): string {
  return `${address} ${port}`
}

/** FNV-1a, folded into the room for names. Source: RFC 9923. */
function hash(text: string): number {
  let value = 0x811c_9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193)
  return ENDPOINT_BASE + (((value >>> 28) ^ value) & (NAMES - 1))
}
