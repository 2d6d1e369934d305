import type { Link, LinkAddress } from '../../linux/link-messages.ts'
import type { AddressConflict } from '../../model/l2.ts'
import type { Family } from '../../model/world.ts'

/** One address on one interface. */
export interface Placed {
  readonly family: Family
  readonly address: string
  readonly interface: string
}

/** The name by which sets of `Placed` know it. */
export function placeOf({ address, interface: name }: Pick<Placed, 'address' | 'interface'>): string {
  return `${name} ${address}`
}

/** What is on the node. */
export interface NodeAddresses {
  /** By name. */
  readonly links: ReadonlyMap<string, Link>
  readonly addresses: readonly LinkAddress[]
}

/** A change that others may have made; `undefined`: anything may have changed. */
export type NodeChange =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: string; readonly interface: string }
  | { readonly kind: 'rules' }
  | undefined

/** What the engine's memory is made of: whose interface holds which addresses, by address. */
export type AddressState = ReadonlyMap<string, readonly string[]>

/** The node's interfaces and what answers for them: the kernel's, or ones in memory. */
export interface AddressTransport {
  /** Calls back at each change of interfaces, addresses and our rules; resolves once nothing later can be missed. @throws {Error} */
  watch(onChange: (change: NodeChange) => void): Promise<void>
  read(): Promise<NodeAddresses>
  /** Those that could not be added, with the name of the error, by `placeOf`. */
  add(placed: readonly Placed[]): Promise<ReadonlyMap<string, string>>
  /** Resolves once packets to these reach the node, which may be later than `add`; after a second in any case. */
  settle(placed: readonly Placed[]): Promise<void>
  /** Those that could not be taken away; that one is not there is no error. */
  remove(placed: readonly Placed[]): Promise<ReadonlyMap<string, string>>
  /** Which IPv4 addresses the rules let answer where, by `placeOf`; undefined when there are no rules of ours, or others than we write. */
  readAnswers(): Promise<ReadonlySet<string> | undefined>
  /** Makes the rules let exactly these answer; `before` is what they let answer now, undefined where they are to be made anew. @throws {Error} */
  answer(wanted: ReadonlySet<string>, before: ReadonlySet<string> | undefined): Promise<void>
  /** Takes the rules away. @throws {Error} */
  forgetAnswers(): Promise<void>
  /** What was saved last in this life of the machine. */
  load(): Promise<AddressState>
  save(state: AddressState): Promise<void>
  /** Tells everybody on the segments, once. Those on an interface that cannot send are left out. */
  announce(placed: readonly Placed[]): Promise<void>
  /** Calls back at each claim that another host makes to an address, ours or not. @throws {Error} */
  listen(onClaim: (claim: AddressConflict) => void): Promise<void>
  /** Asks a neighbour once; what it says comes by `listen`. False when there is no way to ask. */
  ask(address: string, interfaceName: string): Promise<boolean>
  close(): Promise<void>
}
