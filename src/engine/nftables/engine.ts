import { setImmediate } from 'node:timers/promises'
import type { DataPathEntry } from '../../model/datapath.ts'
import type { Engine } from '../../model/engine.ts'
import type { Delta } from '../../model/plan.ts'
import type { Family } from '../../model/world.ts'
import { groupChainRules } from './group-chain.ts'
import { kernelTransport } from './kernel.ts'
import { KernelLoopback, type LoopbackSwitch } from './loopback.ts'
import { Mirror } from './mirror.ts'
import { render, type Transaction } from './render.ts'
import { chains, rules, sets } from './skeleton.ts'
import type { Declarations } from './text.ts'
import type { NftTransport } from './transport.ts'
import { TABLE, WORDS } from './words.ts'

export interface NftablesOptions {
  /** A network namespace file to work in; the process's own by default. */
  readonly netns?: string
}

/** The node's tables `ip fairway` and `ip6 fairway`. */
export interface NftablesEngine extends Engine<DataPathEntry> {
  /** Calls back when somebody else changed or removed our tables: then `verify()` the reconciler. Returns the unsubscriber. */
  onForeignChange(listener: () => void): () => void
  /** Removes both tables and what else was set on the node: nothing of Fairway's is left. */
  cleanup(signal: AbortSignal): Promise<void>
  /** Ends threads and descriptors; what is installed stays and goes on working. */
  close(): Promise<void>
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
/** Entries of one transaction of a large difference: the kernel is held for tens of milliseconds, not for seconds. */
const CHUNK = 500

/** @throws {FairwayError} when libnftables cannot be loaded */
export function createNftablesEngine(options: NftablesOptions = {}): NftablesEngine {
  return new TransportEngine(kernelTransport(options.netns), new KernelLoopback(options.netns))
}

/** All declarations of one family's table. */
export function declarations(family: Family): Declarations {
  const words = WORDS[family]
  return { family: words.nft, table: TABLE, sets: sets(words), chains: chains(words), rules: rules(words) }
}

/** The engine over any nftables, the kernel's or one in memory. */
export class TransportEngine implements NftablesEngine {
  private readonly transport: NftTransport
  private readonly loopback: LoopbackSwitch
  private readonly listeners = new Set<() => void>()
  private watching: Promise<void> | undefined
  private mirror = new Mirror()
  /** Groups that hostPorts lead to. */
  private readonly hostGroups = new Set<string>()
  /** Families whose table is there in a shape that is not ours. */
  private fresh: readonly Family[] = []

  constructor(transport: NftTransport, loopback: LoopbackSwitch) {
    this.transport = transport
    this.loopback = loopback
  }

  get observed(): ReadonlyMap<string, DataPathEntry> {
    return this.mirror.entries
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all([this.watching, this.loopback.watch()]) // what changes after this reading is heard
    const { mirror, fresh } = await this.transport.read(signal)
    this.mirror = mirror
    this.fresh = fresh
    this.hostGroups.clear()
    this.loopback.allow(this.hostPortPods(mirror.entries.values()))
  }

  async apply(delta: Delta<DataPathEntry>, signal: AbortSignal): Promise<void> {
    for (const [turn, chunk] of chunksOf(delta).entries()) {
      if (turn > 0) await setImmediate()
      signal.throwIfAborted()
      const transaction = render(this.mirror, chunk)
      await this.declare(transaction)
      if (transaction.commands.length > 0) await this.transport.run(transaction.commands)
      transaction.commit()
    }
    this.loopback.forget(delta.removals)
    this.loopback.allow(this.hostPortPods(delta.upserts))
  }

  onForeignChange(listener: () => void): () => void {
    this.listeners.add(listener)
    this.watching ??= this.transport.watch(() => {
      for (const one of this.listeners) one()
    })
    this.watching.catch(() => undefined) // refresh reports it
    return () => this.listeners.delete(listener)
  }

  async cleanup(signal: AbortSignal): Promise<void> {
    await this.refresh(signal)
    this.loopback.forget(this.hostPortPods(this.mirror.entries.values()).keys())
    await this.transport.remove(FAMILIES.map((family) => WORDS[family].nft))
    this.mirror = new Mirror()
  }

  async close(): Promise<void> {
    this.listeners.clear()
    await Promise.all([this.loopback.close(), this.transport.close()])
  }

  /** The pods of hostPorts that can be asked for at 127.0.0.1, by group: those that these entries are about. */
  private hostPortPods(entries: Iterable<DataPathEntry>): ReadonlyMap<string, string> {
    const touched = new Set<string>()
    for (const entry of entries) {
      if (entry.kind === 'group') touched.add(entry.key)
      if (entry.kind !== 'frontend' || entry.family !== 'ipv4' || !entry.at.startsWith('host-')) continue
      this.hostGroups.add(entry.group)
      touched.add(entry.group)
    }
    const pods = new Map<string, string>()
    for (const key of touched) {
      const group = this.hostGroups.has(key) ? this.mirror.groups.get(key) : undefined
      for (const { address } of group?.slots ?? []) pods.set(key, address)
    }
    return pods
  }

  private async declare({ declare: families, chains }: Transaction): Promise<void> {
    const tables = [...families.map(declarations), ...FAMILIES.map((family) => chainDeclarations(family, chains[family]))]
    const asked = tables.filter((table) => table.sets.length + table.chains.length > 0)
    if (asked.length === 0) return
    const fresh = families.filter((family) => this.fresh.includes(family))
    await this.transport.declare(
      asked,
      fresh.map((family) => WORDS[family].nft),
    )
    for (const family of families) this.mirror.declared[family] = true
    this.fresh = this.fresh.filter((family) => !fresh.includes(family))
  }
}

/** Chains of groups, to be added to one family's table. */
function chainDeclarations(family: Family, names: readonly string[]): Declarations {
  const words = WORDS[family]
  const made = names.map((name) => ({ family: words.nft, table: TABLE, name }))
  return { family: words.nft, table: TABLE, sets: [], chains: made, rules: names.flatMap((name) => groupChainRules(words, name)) }
}

/**
 * Small differences are one chunk. Of a large one strays go first, since they stand where something is to be added; then groups,
 * then what points to them; removals last, what points to groups before them.
 */
function chunksOf({ upserts, removals }: Delta<DataPathEntry>): readonly Delta<DataPathEntry>[] {
  if (upserts.length + removals.length <= CHUNK) return [{ upserts, removals }]
  const remove = (keys: readonly string[]) => slices(keys).map((some) => ({ upserts: [], removals: some }))
  return [
    ...remove(removals.filter(isStrayKey)),
    ...slices(upserts.toSorted((one, other) => Number(other.kind === 'group') - Number(one.kind === 'group'))).map((some) => {
      return { upserts: some, removals: [] }
    }),
    ...remove(removals.filter(isFrontendKey)),
    ...remove(removals.filter((key) => !isStrayKey(key) && !isFrontendKey(key))),
  ]
}

function slices<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, index) => list.slice(index * CHUNK, (index + 1) * CHUNK))
}

function isStrayKey(key: string): boolean {
  return key.startsWith('stray/')
}

function isFrontendKey(key: string): boolean {
  return /^(address|node-port|host-port|host-address)(-inside)?\/ipv[46]\//.test(key)
}
