import type { Link, LinkAddress } from '../../linux/link-messages.ts'
import type { AddressConflict } from '../../model/l2.ts'
import type { AddressState, AddressTransport, NodeAddresses, NodeChange, Placed } from './transport.ts'
import { placeOf } from './transport.ts'

/**
 * A node's interfaces in memory. What fails is told by `fault` and `refuses`. Share one between engines to see an adoption.
 */
export class FakeAddresses implements AddressTransport {
  readonly links = new Map<string, Link>()
  /** By `placeOf`. */
  readonly addresses = new Map<string, LinkAddress>()
  answers: ReadonlySet<string> | undefined
  saved: AddressState = new Map()
  /** Each announcement of one address on one interface, in order, by `placeOf`. */
  readonly announced: string[] = []
  /** Neighbours that answer, by `placeOf`. */
  readonly neighbours = new Set<string>()
  /** Places that the kernel refuses, with the reason. */
  readonly refuses = new Map<string, string>()
  /** Called before each change; what it throws is the change's failure. */
  fault: (() => void) | undefined
  /** What `settle` waits for. */
  settled: (placed: readonly Placed[]) => Promise<void> = async () => undefined
  private readonly watchers: ((change: NodeChange) => void)[] = []
  private readonly claimListeners: ((claim: AddressConflict) => void)[] = []

  constructor(...names: readonly string[]) {
    for (const name of names) this.plug(name)
  }

  plug(name: string): void {
    const index = this.links.size + 2
    const link = { index, name, mac: `02:00:00:00:00:0${index}`, up: true, resolves: true }
    this.links.set(name, link)
    this.tell({ kind: 'link', gone: false, link })
  }

  /** As if the cable were pulled, or put back. */
  carry(name: string, up: boolean): void {
    const link = { ...(this.links.get(name) as Link), up }
    this.links.set(name, link)
    this.tell({ kind: 'link', gone: false, link })
  }

  /** As if somebody else had put an address there. */
  place(address: string, name: string, prefixLength: number): void {
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    const index = this.links.get(name)?.index ?? 0
    this.addresses.set(placeOf({ address, interface: name }), { index, family, address, prefixLength, bare: false })
  }

  /** As if somebody else had taken it away. */
  take(address: string, name: string): void {
    this.addresses.delete(placeOf({ address, interface: name }))
    this.tell({ kind: 'address', gone: true, address, interface: name })
  }

  /** As if another host had said that an address is its own. */
  claim(claim: AddressConflict): void {
    for (const listener of this.claimListeners) listener(claim)
  }

  async watch(onChange: (change: NodeChange) => void): Promise<void> {
    this.watchers.push(onChange)
  }

  async read(): Promise<NodeAddresses> {
    return { links: new Map(this.links), addresses: [...this.addresses.values()] }
  }

  async add(placed: readonly Placed[]): Promise<ReadonlyMap<string, string>> {
    this.fault?.()
    const failed = new Map<string, string>()
    for (const one of placed) {
      const [place, link] = [placeOf(one), this.links.get(one.interface)]
      const reason = this.refuses.get(place) ?? (link === undefined ? 'ENODEV' : this.addresses.has(place) ? 'EEXIST' : undefined)
      const { family, address } = one
      const prefixLength = family === 'ipv4' ? 32 : 128
      if (reason !== undefined) failed.set(place, reason)
      else this.addresses.set(place, { index: link?.index ?? 0, family, address, prefixLength, bare: true })
    }
    return failed
  }

  settle(placed: readonly Placed[]): Promise<void> {
    return this.settled(placed)
  }

  async remove(placed: readonly Placed[]): Promise<ReadonlyMap<string, string>> {
    this.fault?.()
    for (const one of placed) if (this.addresses.delete(placeOf(one))) this.tell({ kind: 'address', gone: true, ...one })
    return new Map()
  }

  async readAnswers(): Promise<ReadonlySet<string> | undefined> {
    return this.answers
  }

  async answer(wanted: ReadonlySet<string>): Promise<void> {
    this.fault?.()
    this.answers = wanted
  }

  async forgetAnswers(): Promise<void> {
    this.answers = undefined
  }

  async load(): Promise<AddressState> {
    return this.saved
  }

  async save(state: AddressState): Promise<void> {
    this.fault?.()
    this.saved = state
  }

  async announce(placed: readonly Placed[]): Promise<void> {
    this.announced.push(...placed.map(placeOf))
  }

  async listen(onClaim: (claim: AddressConflict) => void): Promise<void> {
    this.claimListeners.push(onClaim)
  }

  async ask(address: string, interfaceName: string): Promise<boolean> {
    const place = { address, interface: interfaceName }
    if (this.neighbours.has(placeOf(place))) this.claim({ ...place, mac: '02:00:00:00:00:99' })
    return this.links.has(interfaceName)
  }

  async close(): Promise<void> {}

  private tell(change: NodeChange): void {
    for (const watcher of this.watchers) watcher(change)
  }
}
