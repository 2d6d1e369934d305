/** Looks now and then at who else carries Services or hostPorts on this node: at live rules only, never at leftovers. */
import { readdirSync, readFileSync } from 'node:fs'
import { listNftTables } from '../linux/nft-tables.ts'
import { tryRun } from '../linux/run.ts'
import { logger } from '../log/log.ts'
import { type ForeignHostPort, type ForeignRules, NOBODY_ELSE } from '../model/foreign.ts'
import type { Family } from '../model/world.ts'
import { readPortmap, servesByChains, servesByCilium, servesByIpvs, servesByMap } from './foreign-rules.ts'

export interface ForeignWatchOptions {
  readonly signal: AbortSignal
  /** Between two looks; 10 s by default. */
  readonly everyInMs?: number
  /** How long a proxy must be gone before that is believed: one that restarts or writes its rules anew is not gone; 30 s by default. */
  readonly graceInMs?: number
  /** A network namespace file to look into; the process's own by default. */
  readonly netns?: string
}

const log = logger('foreign')
const NFT_FAMILIES = { ipv4: 'ip', ipv6: 'ip6' } as const satisfies Record<Family, string>
const LEGACY = { ipv4: ['ip_tables_names', 'iptables-legacy-save'], ipv6: ['ip6_tables_names', 'ip6tables-legacy-save'] } as const
const BPF_MAPS = '/sys/fs/bpf/tc/globals'

export class ForeignWatch {
  private readonly options: ForeignWatchOptions
  private readonly listeners = new Set<(rules: ForeignRules) => void>()
  private rules = NOBODY_ELSE
  /** When a proxy that was there was first not seen any more. */
  private missedSinceInMs: number | undefined
  private readonly told = new Set<string>()
  private timer: NodeJS.Timeout | undefined

  /** Looks once, and then goes on looking until its signal. Never fails: what cannot be read counts as not there, and is logged. */
  static async start(options: ForeignWatchOptions): Promise<ForeignWatch> {
    const watch = new ForeignWatch(options)
    await watch.look()
    options.signal.addEventListener('abort', () => clearTimeout(watch.timer))
    watch.plan()
    return watch
  }

  private constructor(options: ForeignWatchOptions) {
    this.options = options
  }

  get current(): ForeignRules {
    return this.rules
  }

  onChange(listener: (rules: ForeignRules) => void): void {
    this.listeners.add(listener)
  }

  private plan(): void {
    if (this.options.signal.aborted) return
    this.timer = setTimeout(() => {
      this.look().finally(() => this.plan())
    }, this.options.everyInMs ?? 10_000)
    this.timer.unref()
  }

  private async look(): Promise<void> {
    const seen = await this.read()
    const before = this.rules
    this.rules = { ...seen, serviceProxy: this.latch(seen.serviceProxy) }
    if (sameRules(before, this.rules)) return
    log.info(
      { serviceProxy: this.rules.serviceProxy, hostPorts: [...this.rules.hostPorts.keys()] },
      'who else forwards here has changed',
    )
    for (const listener of this.listeners) listener(this.rules)
  }

  /** One that is seen counts at once; one that is not seen any more when the grace is over. */
  private latch(seen: string): string {
    const known = this.rules.serviceProxy
    if (seen !== '' || known === '') {
      this.missedSinceInMs = undefined
      return seen
    }
    const now = performance.now()
    this.missedSinceInMs ??= now
    return now - this.missedSinceInMs >= (this.options.graceInMs ?? 30_000) ? '' : known
  }

  private async read(): Promise<ForeignRules> {
    const tables = await this.tables()
    const hostPorts = new Map<string, ForeignHostPort>()
    let serviceProxy = ''
    for (const family of ['ipv4', 'ipv6'] as const) {
      const legacy = await this.readLegacy(family)
      serviceProxy ||= await this.readProxy(family, tables, legacy)
      for (const [key, port] of await this.readHostPorts(family, tables, legacy)) hostPorts.set(key, port)
    }
    return { serviceProxy: serviceProxy || (await this.readOthers()), hostPorts }
  }

  private async readProxy(family: Family, tables: ReadonlySet<string>, legacy: string): Promise<string> {
    const nft = NFT_FAMILIES[family]
    if (tables.has(`${nft} kube-proxy`) && servesByMap(await this.ask(['nft', 'list', 'map', nft, 'kube-proxy', 'service-ips'])))
      return 'kube-proxy (nftables)'
    const chained =
      tables.has(`${nft} nat`) && servesByChains(await this.ask(['nft', 'list', 'chain', nft, 'nat', 'KUBE-SERVICES']))
    return chained || servesByChains(legacy) ? 'kube-proxy (iptables)' : ''
  }

  private async readHostPorts(
    family: Family,
    tables: ReadonlySet<string>,
    legacy: string,
  ): Promise<ReturnType<typeof readPortmap>> {
    const nft = NFT_FAMILIES[family]
    const chain = 'CNI portmap (chain CNI-HOSTPORT-DNAT)'
    const found = [...readPortmap(legacy, family, chain)]
    if (tables.has(`${nft} nat`)) {
      found.push(...readPortmap(await this.ask(['nft', 'list', 'chain', nft, 'nat', 'CNI-HOSTPORT-DNAT']), family, chain))
    }
    for (const place of ['hostports', 'hostip_hostports']) {
      if (!tables.has('inet cni_hostport')) break
      const rules = await this.ask(['nft', 'list', 'chain', 'inet', 'cni_hostport', place])
      const ours = rules.split('\n').filter((line) => line.includes(`dnat ${nft} to`))
      found.push(...readPortmap(ours.join('\n'), family, 'CNI portmap (table inet cni_hostport)'))
    }
    return found
  }

  /** Only where the kernel has such a table already: to list one would make it. */
  private async readLegacy(family: Family): Promise<string> {
    const [names, save] = LEGACY[family]
    return (await this.file(names)).split('\n').includes('nat') ? this.ask([save, '-t', 'nat']) : ''
  }

  private async readOthers(): Promise<string> {
    const devices = await this.file('dev')
    if (servesByIpvs(devices, await this.file('ip_vs'))) return 'kube-proxy (IPVS)'
    return servesByCilium(devices, pinnedMaps()) ? 'Cilium' : ''
  }

  private async tables(): Promise<ReadonlySet<string>> {
    try {
      return await listNftTables(this.options.netns)
    } catch (err) {
      this.warn('tables', err)
      return new Set()
    }
  }

  /** A file of /proc/net of the namespace; '' when there is none. */
  private async file(name: string): Promise<string> {
    if (this.options.netns !== undefined) return this.ask(['cat', `/proc/self/net/${name}`])
    try {
      return readFileSync(`/proc/self/net/${name}`, 'utf8')
    } catch {
      return ''
    }
  }

  /** What a program prints; '' when it cannot be run, or what it was asked for is not there. */
  private async ask(command: readonly string[]): Promise<string> {
    const { netns, signal } = this.options
    const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--']
    try {
      const { exitCode, stdout } = await tryRun([...enter, ...command], { signal })
      return exitCode === 0 ? stdout : ''
    } catch (err) {
      if (!signal.aborted) this.warn(command[0] ?? '', err)
      return ''
    }
  }

  /** Once of each kind. */
  private warn(kind: string, err: unknown): void {
    if (!this.told.has(kind)) log.warn({ err }, 'other proxies may not be seen')
    this.told.add(kind)
  }
}

function pinnedMaps(): readonly string[] {
  try {
    return readdirSync(BPF_MAPS)
  } catch {
    return []
  }
}

function sameRules(one: ForeignRules, other: ForeignRules): boolean {
  const keys = (rules: ForeignRules) => [...rules.hostPorts.keys()].toSorted().join()
  return one.serviceProxy === other.serviceProxy && keys(one) === keys(other)
}
