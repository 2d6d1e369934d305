/** Ingresses as rules, backends and certificates of a gateway. Pure, and kept in step with the world. */
import type { Finding } from '../model/code.ts'
import type { IngressChange, IngressWorld } from '../model/ingress.ts'
import { type HostPattern, hostText, type L7Entry } from '../model/l7.ts'
import type { Delta } from '../model/plan.ts'
import type { ObjectKey } from '../model/world.ts'
import { EntryBook } from './entry-book.ts'
import { FindingBook } from './finding-book.ts'
import { IngressBackends } from './ingress-backends.ts'
import { IngressCertificates } from './ingress-certificates.ts'
import { IngressPassthroughs } from './ingress-passthroughs.ts'
import { type HostState, HTTP, HTTPS, TLS } from './ingress-rule.ts'
import { ServedIngresses } from './ingress-served.ts'
import { IngressSlots } from './ingress-slots.ts'

export interface IngressPlannerOptions {
  readonly httpPort: number
  readonly httpsPort: number
  readonly takesProxyProtocol: boolean
  /** The Secret of the certificate for hosts that have none; '' for none: TLS of such a host is refused. */
  readonly defaultCertificate: ObjectKey | ''
}

/**
 * Order:  the order, batching and repetition of changes never matter; the result is that of planning the world from scratch.
 * Errors: never throws; what cannot be served becomes a finding, and everything else is.
 */
export interface IngressPlanner {
  readonly entries: ReadonlyMap<string, L7Entry>
  /** By object, in a stable order. */
  readonly findings: readonly Finding[]
  /** Whether an Ingress is of a class of ours. */
  isServed(ingress: ObjectKey): boolean
  /** Secrets that are to be known, and were named by Ingresses of ours or by the options. */
  readonly secrets: ReadonlySet<ObjectKey>
  /** Takes changes that the world already holds, and returns what became different in `entries`. The first one plans all. */
  update(world: IngressWorld, changes: readonly IngressChange[]): Delta<L7Entry>
}

export function createIngressPlanner(options: IngressPlannerOptions): IngressPlanner {
  return new Planner(options)
}

class Planner implements IngressPlanner {
  private readonly options: IngressPlannerOptions
  private readonly book = new EntryBook<L7Entry>()
  private readonly found = new FindingBook()
  private readonly served = new ServedIngresses(this.found)
  private readonly backends = new IngressBackends(this.book)
  private readonly certificates: IngressCertificates
  private readonly passthroughs: IngressPassthroughs
  private readonly slots: IngressSlots
  private started = false

  constructor(options: IngressPlannerOptions) {
    const { book, found: findings, backends } = this
    this.options = options
    this.certificates = new IngressCertificates({ book, findings, defaultCertificate: options.defaultCertificate })
    this.passthroughs = new IngressPassthroughs({ book, findings, backends })
    const hostState = (host: HostPattern, world: IngressWorld) => this.hostState(host, world)
    this.slots = new IngressSlots({ book, findings, backends, hostState })
  }

  get entries(): ReadonlyMap<string, L7Entry> {
    return this.book.entries
  }

  get findings(): readonly Finding[] {
    return this.found.all
  }

  get secrets(): ReadonlySet<ObjectKey> {
    return new Set([...this.certificates.secrets, ...this.slots.secrets])
  }

  isServed(ingress: ObjectKey): boolean {
    return this.served.keys.has(ingress)
  }

  update(world: IngressWorld, changes: readonly IngressChange[]): Delta<L7Entry> {
    const all = this.started ? changes : everything(world)
    const touched: Touched = { slots: new Set(), hosts: new Set(), services: new Set() }
    const isClassChanged = all.some(({ kind }) => kind === 'class')
    const ingresses = isClassChanged ? [...this.served.keys, ...world.ingresses.keys()] : []
    for (const change of all) this.take(world, change, touched)
    for (const key of new Set(ingresses)) this.takeIngress(world, key, touched)
    for (const host of touched.hosts) {
      this.certificates.plan(host, world.secrets)
      addAll(touched.slots, this.slots.ofHost(host))
    }
    this.planListeners(world, all)
    for (const slot of touched.slots) addAll(touched.services, this.slots.plan(slot, world))
    for (const host of touched.hosts) addAll(touched.services, this.passthroughs.plan(host, world))
    for (const service of touched.services) this.backends.plan(service, world)
    this.started = true
    return this.book.takeDelta()
  }

  private take(world: IngressWorld, { kind, key }: IngressChange, touched: Touched): void {
    if (kind === 'ingress') this.takeIngress(world, key, touched)
    if (kind === 'secret') {
      addAll(touched.hosts, this.certificates.hostsOf(key))
      addAll(touched.slots, this.slots.ofSecret(key))
    }
    if (kind === 'endpointSlice') addAll(touched.services, this.backends.takeSlice(key, world))
    if (kind !== 'service') return
    touched.services.add(key)
    // endpoints alone change no rule
    for (const user of this.backends.usersOf(key)) {
      const host = this.passthroughs.hostOf(user)
      if (host === undefined) touched.slots.add(user)
      else touched.hosts.add(host)
    }
  }

  private takeIngress(world: IngressWorld, key: ObjectKey, { slots, hosts }: Touched): void {
    for (const asked of this.served.take(key, world)) {
      addAll(slots, this.slots.set(asked))
      addAll(hosts, this.certificates.set(asked))
      addAll(hosts, this.passthroughs.set(asked))
    }
  }

  private planListeners({ secrets }: IngressWorld, changes: readonly IngressChange[]): void {
    const { httpPort, httpsPort, takesProxyProtocol } = this.options
    const base = { kind: 'listener', takesProxyProtocol } as const
    if (this.passthroughs.isEmpty) this.book.remove(TLS)
    else this.book.put({ ...base, key: TLS, name: 'tls', port: httpsPort, protocol: 'tls' })
    if (this.started && changes.every(({ kind }) => kind !== 'secret')) return
    this.book.put({ ...base, key: HTTP, name: 'http', port: httpPort, protocol: 'http' })
    const own = this.certificates.planDefault(secrets)
    const certificate = own === undefined ? {} : { defaultCertificate: own }
    this.book.put({ ...base, key: HTTPS, name: 'https', port: httpsPort, protocol: 'https', ...certificate })
  }

  private hostState(host: HostPattern, { secrets }: IngressWorld): HostState {
    const name = hostText(host)
    return { ...this.certificates.stateOf(name, secrets), isPassthrough: this.passthroughs.has(name) }
  }
}

interface Touched {
  readonly slots: Set<string>
  readonly hosts: Set<string>
  readonly services: Set<ObjectKey>
}

function addAll<T>(all: Set<T>, more: Iterable<T>): void {
  for (const one of more) all.add(one)
}

function everything({ ingresses, endpointSlices, services, secrets }: IngressWorld): readonly IngressChange[] {
  const of = (kind: IngressChange['kind'], keys: Iterable<string>) => [...keys].map((key) => ({ kind, key }))
  return [
    ...of('endpointSlice', endpointSlices.keys()),
    ...of('service', services.keys()),
    ...of('secret', secrets.keys()),
    ...of('ingress', ingresses.keys()),
  ]
}
