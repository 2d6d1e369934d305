/** Ingresses as rules, backends and certificates of a gateway. Pure, and kept in step with the world. */
import type { Finding } from '../model/code.ts'
import { INGRESS_PORT_MISSING, INGRESS_SECRET_UNUSABLE, INGRESS_SERVICE_MISSING, INGRESS_TAKEN } from '../model/codes/ingress.ts'
import type { CertificateSecret, Ingress, IngressBackend, IngressChange, IngressClass, IngressWorld } from '../model/ingress.ts'
import { hostText, type L7Entry } from '../model/l7.ts'
import type { Delta } from '../model/plan.ts'
import type { ObjectKey } from '../model/world.ts'
import { EntryBook } from './entry-book.ts'
import { type CertificateWish, NO_WISHES, type RuleWish, wishesOf } from './ingress-wish.ts'
import { backendKey, planBackend, portOf } from './l7-backend.ts'
import { SliceIndex } from './slice-index.ts'
import { type Asker, SlotBook } from './slot-book.ts'

/** Who serves the class of an Ingress: Source: Kubernetes IngressClass API, spec.controller. */
export const INGRESS_CONTROLLER = 'fairway.dev/ingress'

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

const HTTP = 'listener/http'
const HTTPS = 'listener/https'

class Planner implements IngressPlanner {
  private readonly options: IngressPlannerOptions
  private readonly book = new EntryBook<L7Entry>()
  private readonly rules = new SlotBook<RuleWish>()
  private readonly certificates = new SlotBook<CertificateWish>()
  private readonly slices = new SliceIndex()
  private readonly served = new Set<ObjectKey>()
  /** What rules use, so that a change of it finds them: slots by Service, and by Secret. */
  private readonly slotsOfService = new Uses()
  private readonly slotsOfSecret = new Uses()
  /** Slots that send requests to a backend, by its key. */
  private readonly slotsOfBackend = new Uses()
  private readonly backendsOfService = new Uses()
  private readonly found = new Map<string, readonly Finding[]>()
  private started = false

  constructor(options: IngressPlannerOptions) {
    this.options = options
  }

  get entries(): ReadonlyMap<string, L7Entry> {
    return this.book.entries
  }

  get findings(): readonly Finding[] {
    const identity = ({ subjects, message }: Finding) => `${subjects.join(' ')} ${message}`
    return [...this.found.values()].flat().sort((one, other) => (identity(one) < identity(other) ? -1 : 1))
  }

  get secrets(): ReadonlySet<ObjectKey> {
    const { defaultCertificate } = this.options
    return new Set([...this.slotsOfSecret.used, ...(defaultCertificate === '' ? [] : [defaultCertificate])])
  }

  isServed(ingress: ObjectKey): boolean {
    return this.served.has(ingress)
  }

  update(world: IngressWorld, changes: readonly IngressChange[]): Delta<L7Entry> {
    const all = this.started ? changes : everything(world)
    const touched: Touched = { rules: new Set(), hosts: new Set(), services: new Set() }
    const isClassChanged = all.some(({ kind }) => kind === 'class')
    const ingresses = isClassChanged ? [...this.rules.keys, ...this.certificates.keys, ...world.ingresses.keys()] : []
    for (const change of all) this.take(world, change, touched)
    for (const key of new Set(ingresses)) this.takeIngress(world, key, touched)
    if (!this.started || all.some(({ kind }) => kind === 'secret')) this.planListeners(world)
    for (const slot of touched.rules) this.planRule(slot, world, touched)
    for (const service of touched.services) this.planBackends(service, world)
    for (const host of touched.hosts) this.planCertificate(host, world)
    this.started = true
    return this.book.takeDelta()
  }

  private take(world: IngressWorld, { kind, key }: IngressChange, touched: Touched): void {
    if (kind === 'ingress') this.takeIngress(world, key, touched)
    if (kind === 'secret') for (const host of this.slotsOfSecret.of(key)) touched.hosts.add(host)
    const services =
      kind === 'endpointSlice' ? this.slices.set(key, world.endpointSlices.get(key)) : kind === 'service' ? [key] : []
    for (const service of services) {
      touched.services.add(service)
      // endpoints alone change no rule
      if (kind === 'service') for (const slot of this.slotsOfService.of(service)) touched.rules.add(slot)
    }
  }

  private takeIngress({ ingresses, classes }: IngressWorld, key: ObjectKey, touched: Touched): void {
    const ingress = ingresses.get(key)
    const isOurs = ingress !== undefined && isOfOurs(ingress, classes)
    if (isOurs) this.served.add(key)
    else this.served.delete(key)
    const { rules, certificates } = isOurs ? wishesOf(ingress) : NO_WISHES
    const createdAtInMs = ingress?.createdAtInMs ?? 0
    for (const slot of this.rules.set(key, createdAtInMs, rules)) touched.rules.add(slot)
    for (const host of this.certificates.set(key, createdAtInMs, certificates)) touched.hosts.add(host)
  }

  private planListeners({ secrets }: IngressWorld): void {
    const { httpPort, httpsPort, takesProxyProtocol, defaultCertificate } = this.options
    const base = { kind: 'listener', takesProxyProtocol } as const
    this.book.put({ ...base, key: HTTP, name: 'http', port: httpPort, protocol: 'http' })
    const secret = secrets.get(defaultCertificate)
    const isUsable = secret !== undefined && secret.problem === ''
    if (isUsable) this.book.put(certificateOf(secret))
    else this.book.remove(`certificate/${defaultCertificate}`)
    const certificate = isUsable ? { defaultCertificate: `certificate/${secret.key}` } : {}
    this.book.put({ ...base, key: HTTPS, name: 'https', port: httpsPort, protocol: 'https', ...certificate })
  }

  private planRule(slot: string, world: IngressWorld, touched: Touched): void {
    const winner = this.rules.winner(slot)
    const key = `rule/${slot}`
    const findings: Finding[] = []
    const target = winner === undefined ? undefined : this.resolve(winner, world, findings)
    // a backend that nobody uses any more goes
    const former = this.backendsOfService.usedBy(this.slotsOfBackend.usedBy(slot) ?? '')
    if (former !== undefined) touched.services.add(former)
    this.slotsOfService.set(slot, winner?.wish.backend.service)
    this.slotsOfBackend.set(slot, target?.backend)
    if (target !== undefined) {
      this.backendsOfService.set(target.backend, target.service)
      touched.services.add(target.service)
    }
    for (const loser of this.rules.askers(slot)) if (winner !== undefined && loser !== winner) findings.push(taken(loser, winner))
    this.note(key, findings)
    if (winner === undefined) {
      this.book.remove(key)
      return
    }
    const { host, path, rank } = winner.wish
    this.book.put({
      ...{ kind: 'rule', key, listeners: [HTTP, HTTPS], host, path, method: '', conditions: [], rank },
      action: { kind: 'forward', backends: target === undefined ? [] : [{ backend: target.backend, weight: 1 }] },
      policy: {},
      subject: `ingress/${winner.key}`,
    })
  }

  /** The backend that a wish is for; undefined when there is none, of which is told. */
  private resolve({ key, wish }: Asker<RuleWish>, { services }: IngressWorld, findings: Finding[]) {
    const { service: name, port: asked } = wish.backend
    const service = services.get(name)
    const port = service && portOf(service, asked)
    if (service !== undefined && port !== undefined) return { backend: backendKey(service, port), service: name }
    findings.push(missing(key, wish.backend, service !== undefined))
    return undefined
  }

  /** Those of a Service that any rule uses; the others go. */
  private planBackends(name: ObjectKey, { services, endpointSlices }: IngressWorld): void {
    const service = services.get(name)
    for (const key of [...this.backendsOfService.of(name)]) {
      const port = service && portOf(service, Number(key.split('/').at(-1)))
      if (this.slotsOfBackend.of(key).size === 0 || service === undefined || port === undefined) {
        this.backendsOfService.set(key, undefined)
        this.book.remove(key)
      } else {
        const slices = this.slices.of(name).flatMap((slice) => endpointSlices.get(slice) ?? [])
        this.book.put(planBackend(service, port, slices))
      }
    }
  }

  private planCertificate(slot: string, { secrets }: IngressWorld): void {
    const winner = this.certificates.winner(slot)
    const before = this.slotsOfSecret.usedBy(slot)
    const wanted = winner?.wish.secret
    this.slotsOfSecret.set(slot, wanted)
    const secret = wanted === undefined ? undefined : secrets.get(wanted)
    const key = `host-certificate/https/${slot}`
    const isUsable = secret !== undefined && secret.problem === ''
    this.note(key, winner === undefined || isUsable ? [] : [unusable(winner, secret)])
    if (isUsable && winner !== undefined) {
      this.book.put(certificateOf(secret))
      this.book.put({
        kind: 'host-certificate',
        key,
        listener: HTTPS,
        host: winner.wish.host,
        certificate: `certificate/${secret.key}`,
      })
    } else this.book.remove(key)
    for (const one of new Set([before, wanted])) if (one !== undefined) this.dropCertificate(one, secrets)
  }

  private dropCertificate(name: ObjectKey, secrets: IngressWorld['secrets']): void {
    const isUsed = this.slotsOfSecret.of(name).size > 0 || name === this.options.defaultCertificate
    if (!isUsed || secrets.get(name)?.problem !== '') this.book.remove(`certificate/${name}`)
  }

  private note(key: string, findings: readonly Finding[]): void {
    if (findings.length > 0) this.found.set(key, findings)
    else this.found.delete(key)
  }
}

interface Touched {
  readonly rules: Set<string>
  readonly hosts: Set<string>
  readonly services: Set<ObjectKey>
}

/** Which of many each one uses. */
class Uses {
  private readonly byUser = new Map<string, string>()
  private readonly users = new Map<string, Set<string>>()

  set(user: string, used: string | undefined): void {
    const before = this.byUser.get(user)
    if (before === used) return
    if (before !== undefined) {
      const users = this.users.get(before)
      users?.delete(user)
      if (users?.size === 0) this.users.delete(before)
    }
    if (used === undefined) this.byUser.delete(user)
    else {
      this.byUser.set(user, used)
      this.users.set(used, (this.users.get(used) ?? new Set()).add(user))
    }
  }

  of(used: string): ReadonlySet<string> {
    return this.users.get(used) ?? NOBODY
  }

  usedBy(user: string): string | undefined {
    return this.byUser.get(user)
  }

  get used(): Iterable<string> {
    return this.users.keys()
  }
}

const NOBODY: ReadonlySet<string> = new Set()

/** Source: Kubernetes Ingress API; an admission plugin gives the default class, which a class that comes later does not. */
function isOfOurs({ className }: Ingress, classes: ReadonlyMap<string, IngressClass>): boolean {
  if (className !== '') return classes.get(className)?.controller === INGRESS_CONTROLLER
  return [...classes.values()].some(({ controller, isDefault }) => isDefault && controller === INGRESS_CONTROLLER)
}

function certificateOf({ key, chain, privateKey }: CertificateSecret): L7Entry {
  return { kind: 'certificate', key: `certificate/${key}`, chain, privateKey }
}

function missing(ingress: ObjectKey, { service, port }: IngressBackend, isThere: boolean): Finding {
  const code = isThere ? INGRESS_PORT_MISSING : INGRESS_SERVICE_MISSING
  const what = isThere
    ? `port ${port} of Service ${service}, which has no such TCP port`
    : `Service ${service}, which is not there`
  const subjects = [`ingress/${ingress}`, ...(isThere ? [`service/${service}`] : [])]
  return { code, subjects, message: `Ingress ${ingress} sends requests to ${what}.`, fix: code.fix }
}

function taken({ key, wish }: Asker<RuleWish>, winner: Asker<RuleWish>): Finding {
  const path = wish.path.kind === 'regex' ? wish.path.expression : `${wish.path.path || '/'} (${wish.path.kind})`
  const what = wish.rank === 1 ? 'a default backend' : `host ${hostText(wish.host)} and path ${path}`
  const message = `Ingress ${key} asks for ${what}, which the older Ingress ${winner.key} has.`
  return { code: INGRESS_TAKEN, subjects: [`ingress/${key}`, `ingress/${winner.key}`], message, fix: INGRESS_TAKEN.fix }
}

function unusable({ key, wish }: Asker<CertificateWish>, secret: CertificateSecret | undefined): Finding {
  const why = secret === undefined ? 'it is not there' : secret.problem
  const message = `Ingress ${key} names the Secret ${wish.secret} for ${hostText(wish.host)}, which cannot be used: ${why}.`
  const { fix } = INGRESS_SECRET_UNUSABLE
  return { code: INGRESS_SECRET_UNUSABLE, subjects: [`ingress/${key}`, `secret/${wish.secret}`], message, fix }
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
