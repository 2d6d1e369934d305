import { setImmediate } from 'node:timers/promises'
import type { DataPathEntry } from '../../model/datapath.ts'
import type { Engine } from '../../model/engine.ts'
import type { Delta } from '../../model/plan.ts'
import type { Family } from '../../model/world.ts'
import { chunksOf } from './chunks.ts'
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
    // a table that takes another's place is there as a whole or not at all
    for (const [turn, chunk] of (this.fresh.length > 0 ? [delta] : chunksOf(delta)).entries()) {
      if (turn > 0) await setImmediate()
      signal.throwIfAborted()
      await this.run(render(this.mirror, chunk))
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

  private async run({ declare: families, chains, commands, commit }: Transaction): Promise<void> {
    const tables = [...families.map(declarations), ...FAMILIES.map((family) => chainDeclarations(family, chains[family]))]
    const asked = tables.filter((table) => table.sets.length + table.chains.length > 0)
    const replaced = families.filter((family) => this.fresh.includes(family)).map((family) => WORDS[family].nft)
    if (replaced.length > 0) await this.transport.replace(replaced, asked, commands)
    else {
      if (asked.length > 0) await this.transport.declare(asked)
      for (const family of families) this.mirror.declared[family] = true
      if (commands.length > 0) await this.transport.run(commands)
    }
    for (const family of families) this.mirror.declared[family] = true
    this.fresh = this.fresh.filter((family) => !families.includes(family))
    commit()
  }
}

/** Chains of groups, to be added to one family's table. */
function chainDeclarations(family: Family, names: readonly string[]): Declarations {
  const words = WORDS[family]
  const made = names.map((name) => ({ family: words.nft, table: TABLE, name }))
  return { family: words.nft, table: TABLE, sets: [], chains: made, rules: names.flatMap((name) => groupChainRules(words, name)) }
}
