import { FairwayError, type Finding } from '../../model/code.ts'
import { L2_ADDRESS_FOREIGN, L2_ADDRESS_REFUSED, L2_CHANGE_FAILED, L2_INTERFACE_MISSING } from '../../model/codes/l2.ts'
import { type Engine, EngineError } from '../../model/engine.ts'
import { type AddressConflict, type AnnouncedAddress, announcedAddress } from '../../model/l2.ts'
import type { Delta } from '../../model/plan.ts'
import { Announcer } from './announcer.ts'
import { type AddressOptions, KernelAddresses } from './kernel.ts'
import { Probes } from './probes.ts'
import {
  type AddressState,
  type AddressTransport,
  type NodeAddresses,
  type NodeChange,
  type Placed,
  placeOf,
} from './transport.ts'

/** Addresses that the node holds and announces on its subnets. */
export interface AddressEngine extends Engine<AnnouncedAddress> {
  /** What could not be done for entries, or for an interface of them; in no order. */
  readonly findings: readonly Finding[]
  /** Calls back when addresses, interfaces or rules of ours were changed by somebody else: then `verify()` the reconciler. Returns the unsubscriber. */
  onForeignChange(listener: () => void): () => void
  /** Calls back when another host claims an address that is announced here, on an interface of it. Returns the unsubscriber. @throws {Error} when nothing can be heard */
  onConflict(listener: (conflict: AddressConflict) => void): Promise<() => void>
  /** Tells the segments again that these entries are here: the answer of the one who stays after a conflict. What is not announced is left out. */
  announce(keys: Iterable<string>): Promise<void>
  /** Asks a neighbour once whether it is there. False when it says nothing within `timeoutInMs`, or there is no way to ask. */
  probe(address: string, interfaceName: string, timeoutInMs: number): Promise<boolean>
  /** Takes all addresses, rules and files of ours away. */
  cleanup(): Promise<void>
  /** Ends threads and descriptors; addresses stay and are answered for by the kernel. */
  close(): Promise<void>
}

/** @throws {FairwayError} when libnftables cannot be loaded, or without NET_RAW */
export function createAddressEngine(options: AddressOptions): AddressEngine {
  return new TransportEngine(new KernelAddresses(options))
}

/** The engine over any node's interfaces, the kernel's or ones in memory. */
export class TransportEngine implements AddressEngine {
  private readonly node: AddressTransport
  private readonly announcer: Announcer
  private readonly probes: Probes
  private readonly listeners = new Set<() => void>()
  private readonly conflictListeners = new Set<(conflict: AddressConflict) => void>()
  private entries = new Map<string, AnnouncedAddress>()
  /** By key; of entries that are in as well as of those that are not. */
  private readonly left = new Map<string, readonly Finding[]>()
  /** What is on the node and ours, by `placeOf`. */
  private readonly held = new Map<string, Placed>()
  private answers: ReadonlySet<string> | undefined = new Set()
  /** What is saved; undefined: nobody looked yet. */
  private saved: AddressState | undefined
  private readonly up = new Map<string, string>()
  private watching: Promise<void> | undefined
  private hearing: Promise<void> | undefined

  constructor(node: AddressTransport) {
    this.node = node
    this.announcer = new Announcer(node, (place) => this.held.has(place))
    this.probes = new Probes((address, name) => node.ask(address, name))
  }

  get observed(): ReadonlyMap<string, AnnouncedAddress> {
    return this.entries
  }

  get findings(): readonly Finding[] {
    return [...this.left.values()].flat()
  }

  refresh(_signal: AbortSignal): Promise<void> {
    return this.guard(async () => {
      await this.watch() // what changes after this reading is heard
      await this.look()
    })
  }

  async apply(delta: Delta<AnnouncedAddress>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.guard(async () => {
      if (this.saved === undefined) {
        await this.watch()
        await this.look()
      }
      const next = new Map(this.entries)
      for (const key of delta.removals) {
        next.delete(key)
        this.left.delete(key)
      }
      if (delta.upserts.length > 0) await this.choose(delta.upserts, next)
      await this.install(next)
    })
  }

  onForeignChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async onConflict(listener: (conflict: AddressConflict) => void): Promise<() => void> {
    await this.hear()
    this.conflictListeners.add(listener)
    return () => this.conflictListeners.delete(listener)
  }

  async announce(keys: Iterable<string>): Promise<void> {
    await this.announcer.announce([...keys].flatMap((key) => placesOf(this.entries.get(key))).filter((one) => this.isHeld(one)))
  }

  async probe(address: string, interfaceName: string, timeoutInMs: number): Promise<boolean> {
    await this.hear()
    return this.probes.ask(address, interfaceName, timeoutInMs)
  }

  async cleanup(): Promise<void> {
    await this.guard(async () => {
      await this.look()
      this.left.clear()
      await this.install(new Map())
      await this.node.forgetAnswers()
      this.answers = undefined
    })
  }

  async close(): Promise<void> {
    this.announcer.close()
    this.probes.close()
    this.listeners.clear()
    this.conflictListeners.clear()
    await Promise.allSettled([this.watching, this.hearing])
    await this.node.close()
  }

  /** From here on what others change is heard. */
  private async watch(): Promise<void> {
    this.watching ??= this.node.watch((change) => this.changed(change))
    await this.watching.catch((error: unknown) => {
      this.watching = undefined // the next look tries again
      throw error
    })
  }

  /** Reads what is on the node and ours. What differs from how it is written here has no interfaces, so that no wish equals it. */
  private async look(): Promise<void> {
    const [saved, now, answers] = await Promise.all([this.node.load(), this.node.read(), this.node.readAnswers()])
    this.saved = saved
    this.answers = answers
    this.held.clear()
    for (const placed of oursOn(now, saved)) this.held.set(placeOf(placed), placed)
    for (const { name, mac, up } of now.links.values()) this.up.set(name, up ? mac : '')
    const answering = Map.groupBy(answers ?? [], (place) => place.split(' ')[1] ?? '')
    const holding = Map.groupBy(this.held.values(), ({ address }) => address)
    this.entries = new Map()
    for (const address of new Set([...saved.keys(), ...answering.keys()])) {
      const held = holding.get(address) ?? []
      const family = address.includes(':') ? 'ipv6' : 'ipv4'
      const same = family === 'ipv6' || held.length === answering.get(address)?.length
      const right = same && held.every((one) => family === 'ipv6' || answers?.has(placeOf(one)))
      const entry = announcedAddress(family, address, right ? held.map((one) => one.interface) : [])
      this.entries.set(entry.key, entry)
    }
  }

  /** Puts into `next` what of `wanted` can be installed; why the rest cannot goes into findings. */
  private async choose(wanted: readonly AnnouncedAddress[], next: Map<string, AnnouncedAddress>): Promise<void> {
    const now = await this.node.read()
    const others = foreignOn(now, this.held)
    for (const { name, mac, up } of now.links.values()) if (!this.up.has(name)) this.up.set(name, up ? mac : '')
    for (const entry of wanted) {
      const foreign = others.get(entry.address)
      const missing = entry.interfaces.filter((name) => !now.links.has(name))
      if (foreign !== undefined) this.left.set(entry.key, [foreignFinding(entry, foreign)])
      else if (missing.length > 0) this.left.set(entry.key, [missingFinding(entry, missing)])
      else this.left.delete(entry.key)
      if (foreign === undefined && missing.length < entry.interfaces.length) next.set(entry.key, entry)
      else next.delete(entry.key)
    }
  }

  /** Rules first, then addresses, and what goes in the opposite order: no other interface ever answers. */
  private async install(next: Map<string, AnnouncedAddress>): Promise<void> {
    const wanted = new Map([...next.values()].flatMap((entry) => placesOf(entry).map((one) => [placeOf(one), one] as const)))
    for (const [place, { interface: name }] of wanted) if (!this.up.has(name)) wanted.delete(place)
    const added = [...wanted].flatMap(([place, one]) => (this.held.has(place) ? [] : [one]))
    const gone = [...this.held].flatMap(([place, one]) => (wanted.has(place) ? [] : [one]))
    await this.save([...wanted.values(), ...gone])
    await this.answer([...wanted.values(), ...gone])
    const refused = await this.node.add(added)
    for (const one of added) {
      const reason = refused.get(placeOf(one))
      if (reason !== undefined) this.refuse(one, reason, next)
      else this.held.set(placeOf(one), one)
    }
    this.entries = next
    await this.introduce(added.filter((one) => this.isHeld(one)))
    for (const one of gone) this.held.delete(placeOf(one))
    const kept = await this.node.remove(gone)
    await this.answer([...this.held.values()])
    await this.save([...this.held.values(), ...gone.filter((one) => kept.has(placeOf(one)))])
    const [place, reason] = [...kept][0] ?? []
    if (place !== undefined) throw new EngineError(L2_CHANGE_FAILED, `The kernel does not take ${place} away: ${reason}.`)
  }

  /** Who hears of an address may send to it at once, so that it has to work by then. One family does not wait for the other. */
  private async introduce(added: readonly Placed[]): Promise<void> {
    const families = [...Map.groupBy(added, ({ family }) => family).values()]
    const told = families.map(async (some) => {
      await this.node.settle(some)
      await this.announcer.announce(some)
    })
    await Promise.all(told)
  }

  private refuse(one: Placed, reason: string, next: Map<string, AnnouncedAddress>): void {
    const key = `announced-address/${one.address}`
    const message = `The kernel does not take ${one.address} on ${one.interface}: ${reason}.`
    this.left.set(key, [...(this.left.get(key) ?? []), finding(L2_ADDRESS_REFUSED, key, message)])
    if (!placesOf(next.get(key)).some((other) => other.interface !== one.interface && this.isHeld(other))) next.delete(key)
  }

  private async answer(places: readonly Placed[]): Promise<void> {
    const wanted = new Set(places.filter(({ family }) => family === 'ipv4').map(placeOf))
    if (wanted.size === 0 && this.answers === undefined) return
    if (this.answers !== undefined && wanted.symmetricDifference(this.answers).size === 0 && wanted.size > 0) return
    await this.node.answer(wanted, this.answers)
    this.answers = wanted
  }

  private async save(places: readonly Placed[]): Promise<void> {
    const grouped = Map.groupBy(places, ({ address }) => address)
    const state = new Map(
      [...grouped].map(([address, held]) => [address, [...new Set(held.map((one) => one.interface))].toSorted()]),
    )
    if (sameState(state, this.saved)) return
    await this.node.save(state)
    this.saved = state
  }

  private changed(change: NodeChange): void {
    if (change?.kind === 'link') this.linkChanged(change.link.name, change.gone ? undefined : change.link)
    else if (change?.kind === 'address') {
      const key = `announced-address/${change.address}`
      // an address of ours that others took away, or one of others that was in the way
      if (change.gone && (this.held.has(placeOf(change)) || (this.left.has(key) && !this.entries.has(key)))) this.tell()
    } else this.tell()
  }

  /** An interface that can send again, or has another hardware address, has to be made known. */
  private linkChanged(name: string, link: { readonly mac: string; readonly up: boolean } | undefined): void {
    const known = this.up.get(name)
    if (link === undefined) this.up.delete(name)
    else this.up.set(name, link.up ? link.mac : '')
    if (known === undefined && this.left.size > 0) this.tell() // it may be the one that was missed
    if (known !== undefined && link?.up === true && known !== link.mac)
      void this.announcer.announce([...this.held.values()].filter((one) => one.interface === name))
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }

  private async hear(): Promise<void> {
    this.hearing ??= this.node.listen((claim) => {
      this.probes.heard(claim)
      if (this.held.has(placeOf(claim))) for (const listener of this.conflictListeners) listener(claim)
    })
    await this.hearing.catch((error: unknown) => {
      this.hearing = undefined
      throw error
    })
  }

  private isHeld(one: Placed): boolean {
    return this.held.has(placeOf(one))
  }

  private async guard(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (cause) {
      if (cause instanceof EngineError) throw cause
      const code = cause instanceof FairwayError ? cause.code : L2_CHANGE_FAILED
      throw new EngineError(code, `Announced addresses cannot be read or changed: ${(cause as Error).message}`, { cause })
    }
  }
}

function placesOf(entry: AnnouncedAddress | undefined): readonly Placed[] {
  if (entry === undefined) return []
  return entry.interfaces.map((name) => ({ family: entry.family, address: entry.address, interface: name }))
}

/** What the memory says is ours, and is there in the form that ours have. */
function oursOn(now: NodeAddresses, saved: AddressState): readonly Placed[] {
  const names = new Map([...now.links.values()].map(({ index, name }) => [index, name]))
  return now.addresses.flatMap(({ index, family, address, prefixLength, bare }) => {
    const name = names.get(index)
    const host = prefixLength === (family === 'ipv4' ? 32 : 128)
    if (name === undefined || !host || !bare || saved.get(address)?.includes(name) !== true) return []
    return [{ family, address, interface: name }]
  })
}

/** Addresses that are not ours, with an interface that they are on. Those on the loopback or an interface without ARP are in nobody's way. */
function foreignOn(now: NodeAddresses, held: ReadonlyMap<string, Placed>): ReadonlyMap<string, string> {
  const links = new Map([...now.links.values()].map((link) => [link.index, link]))
  const found = new Map<string, string>()
  for (const { index, address, bare } of now.addresses) {
    const link = links.get(index)
    if (link?.resolves !== true) continue
    if (!bare || !held.has(placeOf({ address, interface: link.name }))) found.set(address, link.name)
  }
  return found
}

function foreignFinding({ key, address }: AnnouncedAddress, name: string): Finding {
  const message = `${address} is on ${name} of this node already, and not by Fairway: it is left there, and not announced.`
  return finding(L2_ADDRESS_FOREIGN, key, message)
}

function missingFinding({ key, address }: AnnouncedAddress, missing: readonly string[]): Finding {
  return finding(
    L2_INTERFACE_MISSING,
    key,
    `${address} is to be announced on ${missing.join(', ')}, which this node does not have.`,
  )
}

function finding(code: Finding['code'], subject: string, message: string): Finding {
  return { code, subjects: [subject], message, fix: code.fix }
}

function sameState(one: AddressState, other: AddressState | undefined): boolean {
  if (one.size !== other?.size) return false
  return [...one].every(([address, names]) => names.join(' ') === other.get(address)?.join(' '))
}
