/** The node's announcements by ARP and NDP: settings, Services and who is alive -> plan -> addresses on interfaces. */
import type { AddressEngine } from '../../engine/address/engine.ts'
import type { Round } from '../../engine/reconcile.ts'
import type { Metric } from '../../http/metrics.ts'
import type { KubeClient } from '../../kube/client.ts'
import { logger } from '../../log/log.ts'
import { type HolderKey, holderOf } from '../../model/address-holder.ts'
import type { Finding } from '../../model/code.ts'
import type { AddressConflict } from '../../model/l2.ts'
import type { LoadBalancerConfig } from '../../model/load-balancer.ts'
import type { NodeName, ObjectKey, World, WorldChange } from '../../model/world.ts'
import { createL2Planner, type L2Change, type L2Planner, type Ownership } from '../../plan/l2.ts'
import { ConflictBook } from './conflict-book.ts'
import { addressClaimed, bfdSilent, onNode, roundFailed } from './findings.ts'
import { FloatingPlace } from './floating-place.ts'
import { Holdings } from './holdings.ts'
import { Isolation } from './isolation.ts'
import { LeaseStandIn, VOUCHED_IN_MS } from './lease-stand-in.ts'
import type { LinkSource } from './link-watch.ts'
import type { LivenessTimes } from './liveness.ts'
import { L2Metrics } from './metrics.ts'
import { type BfdSource, PeerWatch } from './peer-watch.ts'
import { reach } from './reach.ts'
import { L2ServiceStatus } from './service-status.ts'

const log = logger('l2')

export interface AnnouncerOptions {
  readonly node: NodeName
  readonly engine: AddressEngine
  readonly links: LinkSource
  /** Absent: probes alone tell who is alive. */
  readonly bfd?: BfdSource
  readonly client: KubeClient
  /** Addresses of Services of this class are announced; '': of those that name none. */
  readonly loadBalancerClass: string
  /** Whether the API server is heard. */
  readonly isConnected: () => boolean
  readonly signal: AbortSignal
  /** After a change of `findings`. */
  readonly onFindings: () => void
  readonly times?: LivenessTimes
}

/** What is shown of it on the agent's socket. */
export interface L2State {
  /** Whether this node claims addresses: not before it knows of the others. */
  readonly settled: boolean
  /** Those that can announce, as this node sees it, sorted. */
  readonly alive: readonly NodeName[]
  readonly addresses: readonly Ownership[]
  /** Addresses that this node announces, sorted. */
  readonly announced: readonly string[]
  /** Addresses that are not yet as planned. */
  readonly pending: number
  /** Why the last change failed; absent when it did not. */
  readonly error?: string
}

/** Construct it and it runs, beside the data path and without touching it. Addresses stay where they are when it ends. */
export class L2Announcer {
  private readonly options: AnnouncerOptions
  private readonly planner: L2Planner
  private readonly holdings: Holdings
  private readonly peers: PeerWatch
  private readonly conflicts = new ConflictBook()
  private readonly isolation: Isolation
  private readonly services: L2ServiceStatus
  private readonly floating: FloatingPlace
  private readonly metrics: L2Metrics
  private world: World | undefined
  private config: LoadBalancerConfig | undefined
  private changes: L2Change[] = []
  private lastRound: Round | undefined
  private told = ''
  private known: ReadonlySet<NodeName> = new Set()

  constructor(options: AnnouncerOptions) {
    this.options = options
    const { engine, links, node, signal } = options
    this.planner = createL2Planner(node, options.loadBalancerClass)
    this.holdings = new Holdings({
      ...{ node, engine, signal, planned: this.planner.entries },
      ownerOf: (key) => this.planner.ownershipOf(addressOf(key))?.owner,
      onRound: (round) => this.noteRound(round),
    })
    this.peers = new PeerWatch({
      ...{ node, bfd: options.bfd, times: options.times },
      probe: (peer, timeoutInMs) => this.probe(peer, timeoutInMs),
      onChange: () => this.takeAlive(),
    })
    this.isolation = new Isolation({
      isAlone: () => this.peers.alone,
      isConnected: options.isConnected,
      ask: ({ address, interface: link }, timeoutInMs) => engine.probe(address, link, timeoutInMs),
      onChange: () => this.takeIsolation(),
    })
    new LeaseStandIn({
      ...{ client: options.client, node, signal },
      silent: () => {
        this.tellFindings() // who is silent is known by the clock alone
        return this.peers.silent
      },
      onVouched: (peer) => this.peers.vouch(peer, VOUCHED_IN_MS),
    })
    this.services = new L2ServiceStatus({
      ...{ client: options.client, node, signal },
      announced: () => this.announcedServices(),
      dead: () => this.peers.dead,
    })
    this.floating = new FloatingPlace({ client: options.client, node, signal })
    this.metrics = new L2Metrics({ announced: () => engine.observed.size, alive: () => this.peers.alive.size })
    links.onChange(() => this.take([{ kind: 'links', key: '' }]))
    engine
      .onConflict((conflict) => this.noteConflict(conflict))
      .then(
        (forget) => signal.addEventListener('abort', forget),
        (err: unknown) => log.warn({ err }, 'claims of others to addresses are not heard'),
      )
    signal.addEventListener('abort', () => {
      this.peers.close()
      this.isolation.close()
    })
  }

  /** Takes what is new in the world; the first call has all of it. */
  takeWorld(world: World, changes: readonly WorldChange[]): void {
    this.world = world
    this.take(changes.flatMap(({ kind, key }) => (kind === 'pod' || kind === 'serviceCIDR' ? [] : { kind, key })))
  }

  /** Takes what is new in the settings; the first call has all of them. */
  takeConfig(config: LoadBalancerConfig, changes: readonly L2Change[]): void {
    this.config = config
    this.take(changes)
  }

  /** Ends after the round in progress; call it after the signal. */
  async stop(): Promise<void> {
    await Promise.all([this.holdings.stop(), this.options.links.close(), this.services.settled()])
    await this.options.engine.close()
  }

  get findings(): readonly Finding[] {
    const { engine, node } = this.options
    const holdersOf = (subjects: readonly string[]) =>
      subjects.flatMap((key) => this.planner.ownershipOf(addressOf(key))?.holders ?? [])
    return [
      ...this.planner.findings,
      ...engine.findings.map((one) => onNode(node, one, holdersOf(one.subjects))),
      ...roundFailed(node, this.lastRound?.error),
      ...this.conflicts.standing(performance.now()).map((one) => addressClaimed(node, one, holdersOf([one.address]))),
      ...this.peers.silent.map((peer) => bfdSilent(node, peer)),
    ]
  }

  get state(): L2State {
    return {
      settled: this.peers.settled,
      alive: [...this.peers.alive].sort(),
      addresses: this.planner.ownerships,
      announced: [...this.options.engine.observed.values()].map(({ address }) => address).sort(),
      pending: this.holdings.pending,
      ...(this.lastRound?.error === undefined ? {} : { error: this.lastRound.error.message }),
    }
  }

  get gauges(): readonly Metric[] {
    return this.metrics.all
  }

  private take(changes: readonly L2Change[]): void {
    this.changes.push(...changes)
    if (this.world === undefined || this.config === undefined || this.options.signal.aborted) return
    if (this.holdings.hasBegun && this.changes.length === 0) return // a pod of this node, and such
    try {
      this.plan(this.world, this.config)
    } catch (err) {
      log.error({ err }, 'announcements could not be planned') // a mistake of ours must not stop the data path, which calls this
    }
    this.tellFindings()
  }

  /** Who comes back may have heard of another owner meanwhile, and clients too. */
  private takeAlive(): void {
    const before = this.known
    this.take([{ kind: 'alive', key: '' }])
    this.known = this.peers.alive
    if (!this.holdings.hasBegun || this.known.isSubsetOf(before)) return
    this.tellSegments(this.planner.entries.keys())
    this.services.distrust()
  }

  private takeIsolation(): void {
    const { isCutOff } = this.isolation
    log.warn({ isCutOff }, isCutOff ? 'cut off from everybody: addresses are given up' : 'no longer cut off')
    this.take([{ kind: 'alive', key: '' }])
  }

  private tellSegments(keys: Iterable<string>): void {
    this.options.engine.announce(keys).catch((err: unknown) => log.warn({ err }, 'addresses could not be announced again'))
  }

  private plan(world: World, config: LoadBalancerConfig): void {
    const input = { world, config, links: this.options.links.current }
    const alive = () => (this.isolation.isCutOff ? new Set<NodeName>() : this.peers.alive)
    this.planner.update({ ...input, alive: alive() }, this.changes.splice(0))
    this.watchPeers() // who is new counts as live, before anything is claimed
    this.planner.update({ ...input, alive: alive() }, [{ kind: 'alive', key: '' }])
    if (this.peers.settled) this.holdings.follow()
    this.tellFloating()
  }

  /** Another host says that an address of ours is its own: the next owner, which was waited for, or somebody who should not. */
  private noteConflict(conflict: AddressConflict): void {
    const { address, mac } = conflict
    const key = `announced-address/${address}`
    if (this.holdings.release(key)) {
      log.debug({ address, mac }, 'handed over')
    } else if (!this.planner.entries.has(key)) {
      this.conflicts.forget(address) // it goes already
    } else if (this.conflicts.note(conflict, performance.now())) {
      // by the same ranking on every node this one is the owner: whoever it is, if one of us, lets go
      log.debug({ address, mac }, 'another host claims an address that is announced here')
      this.tellSegments([key])
    }
    this.tellFindings()
  }

  private watchPeers(): void {
    const { peers } = this.planner
    const near = [...peers].flatMap((peer) => {
      const at = reach(this.world?.nodes.get(peer), this.options.links.current)
      return at === undefined ? [] : [[peer, at.address] as const]
    })
    this.options.bfd?.watchNodes(new Map(near))
    this.peers.watch(peers)
  }

  private async probe(peer: NodeName, timeoutInMs: number): Promise<boolean> {
    const node = this.world?.nodes.get(peer)
    const at = reach(node, this.options.links.current)
    if (at === undefined) return node?.ready ?? false // no way to ask it: what the cluster says must do
    return this.options.engine.probe(at.address, at.link, timeoutInMs)
  }

  private announcedServices(): ReadonlyMap<ObjectKey, ReadonlySet<string>> {
    const interfaces = new Map<ObjectKey, Set<string>>()
    for (const { address, interfaces: names } of this.options.engine.observed.values())
      for (const service of (this.planner.ownershipOf(address)?.holders ?? []).filter(isService))
        interfaces.set(service, new Set([...(interfaces.get(service) ?? []), ...names]))
    return interfaces
  }

  /** Of those that this node is to have: the ones that it holds by now. */
  private tellFloating(): void {
    if (!this.holdings.hasBegun || this.config === undefined) return // what it has is not known yet
    const { observed } = this.options.engine
    const isHeld = (address: string) => (observed.get(`announced-address/${address}`)?.interfaces.length ?? 0) > 0
    const here = [...this.planner.floating].filter(([, { addresses }]) => addresses.every(isHeld))
    this.floating.want(new Map(here.map(([key, { pod }]) => [key, pod])), this.config.floatingAddresses)
  }

  private noteRound(round: Round): void {
    const failedBefore = this.lastRound?.error !== undefined
    this.lastRound = round
    this.services.note()
    this.tellFloating()
    if (round.error !== undefined) {
      log[failedBefore ? 'debug' : 'warn']({ err: round.error }, 'addresses could not be changed; trying again')
    } else if (round.upserts + round.removals > 0) {
      const { upserts, removals, tookInMs } = round
      log.info({ upserts, removals, tookInMs: Math.round(tookInMs) }, 'announced addresses changed')
    }
    this.tellFindings()
  }

  private tellFindings(): void {
    const now = JSON.stringify(this.findings.map(({ code, subjects, message }) => [code.code, subjects, message]))
    if (now === this.told) return
    this.told = now
    this.options.onFindings()
  }
}

function addressOf(key: string): string {
  return key.replace(/^announced-address\//, '')
}

function isService(holder: HolderKey): boolean {
  return holderOf(holder).kind === 'service'
}
