/** Ingresses as rules, backends and certificates of a gateway. Pure, and kept in step with the world. */
import type { Finding } from '../model/code.ts'
import type { CertificateSecret, Ingress, IngressChange, IngressClass, IngressWorld } from '../model/ingress.ts'
import { type HostPattern, hostText, type L7Entry, type L7Rule } from '../model/l7.ts'
import type { ClientCertificate } from '../model/l7-policy.ts'
import type { Delta } from '../model/plan.ts'
import type { ObjectKey } from '../model/world.ts'
import { EntryBook } from './entry-book.ts'
import { IngressBackends } from './ingress-backends.ts'
import * as finding from './ingress-finding.ts'
import { type HostState, HTTP, HTTPS, planSlot, TLS } from './ingress-rule.ts'
import { asksForExpressions, type HostWish, type IngressWishes, NO_WISHES, type RuleWish, wishesOf } from './ingress-wish.ts'
import { isProxyProtocolUnreadable } from './l7-backend.ts'
import { secretsOf } from './nginx-policy.ts'
import { SlotBook } from './slot-book.ts'
import { Uses } from './uses.ts'

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

class Planner implements IngressPlanner {
  private readonly options: IngressPlannerOptions
  private readonly book = new EntryBook<L7Entry>()
  private readonly rules = new SlotBook<RuleWish>()
  private readonly canaries = new SlotBook<RuleWish>()
  private readonly certificates = new SlotBook<HostWish>()
  private readonly authorities = new SlotBook<IngressWishes['authorities'][number]>()
  private readonly passthroughs = new SlotBook<IngressWishes['passthroughs'][number]>()
  private readonly backends = new IngressBackends(this.book)
  private readonly served = new Set<ObjectKey>()
  /** The last version of each that could be read as a whole. */
  private readonly whole = new Map<ObjectKey, Ingress>()
  /** What rules use, so that a change of it finds them: keys of rules by slot, slots by host and by Secret, hosts by Secret. */
  private readonly rulesOfSlot = new Uses()
  private readonly slotsOfHost = new Uses()
  private readonly slotsOfSecret = new Uses()
  private readonly hostsOfSecret = new Uses()
  /** Hosts whose paths are expressions, and who asks that of them. */
  private readonly expressions = new Uses()
  private readonly ingressesOfHost = new Uses()
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
    const own = defaultCertificate === '' ? [] : [defaultCertificate]
    return new Set([...this.hostsOfSecret.used, ...this.slotsOfSecret.used, ...own])
  }

  isServed(ingress: ObjectKey): boolean {
    return this.served.has(ingress)
  }

  update(world: IngressWorld, changes: readonly IngressChange[]): Delta<L7Entry> {
    const all = this.started ? changes : everything(world)
    const touched: Touched = { rules: new Set(), hosts: new Set(), services: new Set() }
    const isClassChanged = all.some(({ kind }) => kind === 'class')
    const ingresses = isClassChanged ? [...this.served, ...world.ingresses.keys()] : []
    for (const change of all) this.take(world, change, touched)
    for (const key of new Set(ingresses)) this.takeIngress(world, key, touched)
    for (const host of touched.hosts) {
      this.planCertificate(host, world)
      for (const slot of this.slotsOfHost.of(host)) touched.rules.add(slot)
    }
    this.planListeners(world, all)
    for (const slot of touched.rules) this.planRules(slot, world, touched)
    for (const host of touched.hosts) this.planPassthrough(host, world, touched)
    for (const service of touched.services) this.backends.plan(service, world)
    this.started = true
    return this.book.takeDelta()
  }

  private take(world: IngressWorld, { kind, key }: IngressChange, touched: Touched): void {
    if (kind === 'ingress') this.takeIngress(world, key, touched)
    if (kind === 'secret') {
      for (const host of this.hostsOfSecret.of(key)) touched.hosts.add(host)
      for (const slot of this.slotsOfSecret.of(key)) touched.rules.add(slot)
    }
    if (kind === 'endpointSlice') for (const one of this.backends.takeSlice(key, world)) touched.services.add(one)
    if (kind !== 'service') return
    touched.services.add(key)
    // endpoints alone change no rule
    for (const user of this.backends.usersOf(key)) {
      if (user.startsWith(PASSTHROUGH)) touched.hosts.add(user.slice(PASSTHROUGH.length))
      else touched.rules.add(user)
    }
  }

  private takeIngress(world: IngressWorld, key: ObjectKey, touched: Touched): void {
    const current = world.ingresses.get(key)
    const ofClass = current && classOf(current, world.classes)
    if (ofClass === undefined) this.served.delete(key)
    else this.served.add(key)
    const speaks = ofClass?.dialect === 'ingress-nginx'
    const ingress = ofClass === undefined ? undefined : this.usable(current, speaks)
    if (current === undefined || ofClass === undefined) this.whole.delete(key)
    this.tellIngress(key, { current, ingress, ofClass })
    const hosts = ingress?.rules.map(({ host }) => host) ?? []
    this.ingressesOfHost.set(key, speaks ? hosts : [])
    const said = speaks ? ingress?.annotations : undefined
    const before = this.expressions.usedBy(key)
    const asks = said !== undefined && asksForExpressions(said)
    const flipped = this.changeExpressions(key, asks ? hosts : [], before)
    this.takeWishes(key, ingress, { speaks, touched })
    for (const other of new Set(flipped.flatMap((host) => [...this.ingressesOfHost.of(host)])))
      if (other !== key) this.takeWishes(other, this.effective(other, world), { speaks: true, touched })
  }

  /** What is served of an Ingress of ours: a change that cannot be used is not, while there is something before it, unless it was to protect. */
  private usable(ingress: Ingress | undefined, speaks: boolean): Ingress | undefined {
    if (ingress === undefined) return undefined
    const problems = speaks ? (ingress.annotations?.problems ?? []) : []
    const isWhole = ingress.isWhole && problems.every(({ kind }) => kind !== 'unreadable')
    if (isWhole) this.whole.set(ingress.key, ingress)
    const protects = (ingress.annotations?.problems ?? []).some((problem) => problem.protects)
    const former = this.whole.get(ingress.key)
    return isWhole || protects || former === undefined ? ingress : { ...former, className: ingress.className }
  }

  private effective(key: ObjectKey, { ingresses }: IngressWorld): Ingress | undefined {
    return this.usable(ingresses.get(key), true)
  }

  /** The hosts whose paths are expressions now, and were not, or the other way round. */
  private changeExpressions(key: ObjectKey, hosts: readonly string[], before: ReadonlySet<string>): readonly string[] {
    const all = [...new Set([...hosts, ...before])]
    const was = new Set(all.filter((host) => this.hasExpressions(host)))
    this.expressions.set(key, hosts)
    return all.filter((host) => this.hasExpressions(host) !== was.has(host))
  }

  private hasExpressions(host: string): boolean {
    return this.expressions.of(host).size > 0
  }

  private takeWishes(
    key: ObjectKey,
    ingress: Ingress | undefined,
    { speaks, touched }: { readonly speaks: boolean; readonly touched: Touched },
  ): void {
    const wishes = ingress === undefined ? NO_WISHES : this.wishes(ingress, speaks)
    const at = ingress?.createdAtInMs ?? 0
    for (const slot of this.rules.set(key, at, wishes.rules)) touched.rules.add(slot)
    for (const slot of this.canaries.set(key, at, wishes.canaries)) touched.rules.add(slot)
    for (const host of this.certificates.set(key, at, wishes.certificates)) touched.hosts.add(host)
    for (const host of this.authorities.set(key, at, wishes.authorities)) touched.hosts.add(host)
    for (const host of this.passthroughs.set(key, at, wishes.passthroughs)) touched.hosts.add(host)
    const findings = wishes.unusable.map((path) => finding.unusablePath(key, path, speaks))
    this.note(`paths ${key}`, findings)
  }

  private wishes(ingress: Ingress, speaks: boolean): IngressWishes {
    const said = ingress.annotations ?? { problems: [] }
    const isBlocked = speaks ? said.problems.some(({ protects }) => protects) : finding.protectorsOf(said).length > 0
    const hasExpressions = (host: string) => this.hasExpressions(host)
    return wishesOf(ingress, { isBlocked, hasExpressions, ...(speaks ? { annotations: said } : {}) })
  }

  private tellIngress(key: ObjectKey, { current, ingress, ofClass }: Taken): void {
    const said = current?.annotations
    const findings: Finding[] = []
    if (current !== undefined && ofClass !== undefined && ingress !== current) findings.push(finding.held(key))
    if (ofClass !== undefined && said !== undefined) {
      if (ofClass.dialect === '') findings.push(finding.dialectOff(key, current?.className ?? '', finding.protectorsOf(said)))
      else findings.push(...said.problems.map((problem) => finding.annotationProblem(key, problem)))
    }
    this.note(`ingress ${key}`, findings)
  }

  private planListeners({ secrets }: IngressWorld, changes: readonly IngressChange[]): void {
    const { httpPort, httpsPort, takesProxyProtocol, defaultCertificate } = this.options
    const base = { kind: 'listener', takesProxyProtocol } as const
    const hasPassthrough = [...this.passthroughs.keys].length > 0
    if (hasPassthrough) this.book.put({ ...base, key: TLS, name: 'tls', port: httpsPort, protocol: 'tls' })
    else this.book.remove(TLS)
    if (this.started && changes.every(({ kind }) => kind !== 'secret')) return
    this.book.put({ ...base, key: HTTP, name: 'http', port: httpPort, protocol: 'http' })
    const secret = secrets.get(defaultCertificate)
    const isUsable = secret !== undefined && secret.problem === ''
    if (isUsable) this.book.put(certificateOf(secret))
    else this.book.remove(`certificate/${defaultCertificate}`)
    const certificate = isUsable ? { defaultCertificate: `certificate/${secret.key}` } : {}
    this.book.put({ ...base, key: HTTPS, name: 'https', port: httpsPort, protocol: 'https', ...certificate })
  }

  private planRules(slot: string, world: IngressWorld, touched: Touched): void {
    const winner = this.rules.winner(slot)
    const canary = this.canaries.winner(slot)
    const findings: Finding[] = []
    const main = winner && this.resolve(winner, world, findings)
    const beside = winner && canary && this.resolve(canary, world, findings)
    const asked = [winner, canary].flatMap((one) => one?.wish.backend.service ?? [])
    for (const one of this.backends.use(slot, [main, beside], asked)) touched.services.add(one)
    const said = winner?.wish.annotations
    this.slotsOfSecret.set(slot, said === undefined ? [] : secretsOf(said))
    this.slotsOfHost.set(slot, winner === undefined ? [] : [hostText(winner.wish.host)])
    findings.push(...this.losers(slot))
    const rules: L7Rule[] = []
    if (winner !== undefined) {
      const plan = planSlot({
        ...{ slot, winner, secrets: world.secrets, host: this.hostState(winner.wish.host, world) },
        ...(main === undefined ? {} : { main: main.key }),
        ...(beside && canary?.wish.annotations ? { canary: { backend: beside.key, said: canary.wish.annotations } } : {}),
      })
      if (plan.refusal !== '') findings.push(finding.refused(winner.key, plan.refusal))
      if (plan.strangers.length > 0) findings.push(finding.strangers(winner.key, said?.authSecret ?? '', plan.strangers))
      rules.push(...plan.rules)
    }
    for (const key of this.rulesOfSlot.usedBy(slot)) if (rules.every((rule) => rule.key !== key)) this.book.remove(key)
    this.rulesOfSlot.set(
      slot,
      rules.map(({ key }) => key),
    )
    for (const rule of rules) this.book.put(rule)
    this.note(`rule/${slot}`, findings)
  }

  private losers(slot: string): readonly Finding[] {
    const winner = this.rules.winner(slot)
    const canary = this.canaries.winner(slot)
    const others = [...this.rules.askers(slot)].filter((one) => one !== winner)
    const canaries = [...this.canaries.askers(slot)].filter((one) => one !== canary)
    return [
      ...(winner === undefined ? [] : others.map((one) => finding.taken(one, winner))),
      ...(canary === undefined ? [] : canaries.map((one) => finding.taken(one, canary))),
      ...(canary === undefined || winner !== undefined ? [] : [finding.alone(canary)]),
    ]
  }

  private hostState(host: HostPattern, { secrets }: IngressWorld): HostState {
    const slot = hostText(host)
    const authority = this.authorities.winner(slot)
    const base = {
      hasTls: this.certificates.winner(slot) !== undefined,
      isPassthrough: this.passthroughs.winner(slot) !== undefined,
    }
    if (authority === undefined) return { ...base, isRefused: false }
    const isRefused = secrets.get(authority.wish.secret)?.authority === undefined
    return { ...base, isRefused, clientCertificate: clientCertificateOf(authority.wish) }
  }

  /** The backend that a wish is for; undefined when there is none, of which is told. */
  private resolve(
    { key, wish }: { readonly key: ObjectKey; readonly wish: Pick<RuleWish, 'backend' | 'annotations'> },
    world: IngressWorld,
    findings: Finding[],
    protocol = wish.annotations?.backendProtocol,
  ) {
    const { service, backend } = this.backends.resolve(wish.backend, protocol, world)
    if (backend === undefined) findings.push(finding.missing(key, wish.backend, service !== undefined))
    else if (isProxyProtocolUnreadable(service)) findings.push(finding.noProxyProtocol(key, service))
    return backend
  }

  private planPassthrough(slot: string, world: IngressWorld, touched: Touched): void {
    const winner = this.passthroughs.winner(slot)
    const key = `rule/passthrough ${slot}`
    const findings: Finding[] = []
    // bytes go through as they are
    const backend = winner && this.resolve(winner, world, findings, 'http')
    const asked = winner === undefined ? [] : [winner.wish.backend.service]
    for (const one of this.backends.use(`${PASSTHROUGH}${slot}`, [backend], asked)) touched.services.add(one)
    for (const one of this.passthroughs.askers(slot))
      if (winner !== undefined && one !== winner) findings.push(finding.hostTaken(one.key, winner.key, 'TLS', winner.wish.host))
    this.note(key, findings)
    if (winner === undefined) {
      this.book.remove(key)
      return
    }
    const path = { kind: 'prefix', path: '' } as const
    const backends = backend === undefined ? [] : [{ backend: backend.key, weight: 1 }]
    this.book.put({
      ...{ kind: 'rule', key, listeners: [TLS], host: winner.wish.host, path, method: '', conditions: [], rank: 0 },
      ...{ action: { kind: 'forward', backends }, policy: {}, subject: `ingress/${winner.key}` },
    })
  }

  private planCertificate(slot: string, { secrets }: IngressWorld): void {
    const winner = this.certificates.winner(slot)
    const authority = this.authorities.winner(slot)
    const before = this.hostsOfSecret.usedBy(slot)
    const wanted = winner?.wish.secret
    this.hostsOfSecret.set(
      slot,
      [wanted, authority?.wish.secret].flatMap((one) => one ?? []),
    )
    const secret = wanted === undefined ? undefined : secrets.get(wanted)
    const signers = authority === undefined ? undefined : secrets.get(authority.wish.secret)?.authority
    const key = `host-certificate/https/${slot}`
    const isUsable = secret !== undefined && secret.problem === ''
    this.note(key, [
      ...(winner === undefined || isUsable ? [] : [finding.unusable(winner, secret)]),
      ...(authority === undefined || signers !== undefined ? [] : [finding.noAuthority(authority)]),
      ...this.otherAuthorities(slot),
    ])
    if (isUsable && winner !== undefined) {
      this.book.put(certificateOf(secret))
      const base = { kind: 'host-certificate', key, listener: HTTPS, host: winner.wish.host } as const
      const asked = signers === undefined ? {} : { clientAuthority: signers }
      this.book.put({ ...base, certificate: `certificate/${secret.key}`, ...asked })
    } else this.book.remove(key)
    for (const one of new Set([...before, ...(wanted === undefined ? [] : [wanted])])) this.dropCertificate(one, secrets)
  }

  /** Those that ask for other signers, or for something else of them, than what a host has. */
  private otherAuthorities(slot: string): readonly Finding[] {
    const winner = this.authorities.winner(slot)
    if (winner === undefined) return []
    return [...this.authorities.askers(slot)]
      .filter(({ wish }) => wish.secret !== winner.wish.secret)
      .map(({ key, wish }) => finding.hostTaken(key, winner.key, 'client certificates', wish.host))
  }

  private dropCertificate(name: ObjectKey, secrets: IngressWorld['secrets']): void {
    const users = [...this.hostsOfSecret.of(name)].some((slot) => this.certificates.winner(slot)?.wish.secret === name)
    const isUsed = users || name === this.options.defaultCertificate
    if (!isUsed || secrets.get(name)?.problem !== '') this.book.remove(`certificate/${name}`)
  }

  private note(key: string, findings: readonly Finding[]): void {
    if (findings.length > 0) this.found.set(key, findings)
    else this.found.delete(key)
  }
}

/** Users of backends that are no slots of rules: hosts. */
const PASSTHROUGH = 'passthrough '

interface Touched {
  readonly rules: Set<string>
  readonly hosts: Set<string>
  readonly services: Set<ObjectKey>
}

interface Taken {
  /** As it is, and as it is served. */
  readonly current: Ingress | undefined
  readonly ingress: Ingress | undefined
  readonly ofClass: IngressClass | undefined
}

/** The class of ours that an Ingress is of. Source: Kubernetes Ingress API; an admission plugin gives the default class, which a class that comes later does not. */
function classOf({ className }: Ingress, classes: ReadonlyMap<string, IngressClass>): IngressClass | undefined {
  const found =
    className === ''
      ? [...classes.values()]
          .filter(({ controller, isDefault }) => isDefault && controller === INGRESS_CONTROLLER)
          .sort((one, other) => (one.name < other.name ? -1 : 1))[0]
      : classes.get(className)
  return found?.controller === INGRESS_CONTROLLER ? found : undefined
}

function clientCertificateOf({ annotations }: IngressWishes['authorities'][number]): ClientCertificate {
  return {
    isRequired: annotations.authTlsVerifyClient !== 'optional',
    commonName: annotations.authTlsMatchCn ?? '',
    isPassedOn: annotations.authTlsPassCertificateToUpstream === true,
  }
}

function certificateOf({ key, chain, privateKey }: CertificateSecret): L7Entry {
  return { kind: 'certificate', key: `certificate/${key}`, chain, privateKey }
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
