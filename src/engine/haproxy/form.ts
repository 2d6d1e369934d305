/** What HAProxy is to do, as entries say it: look-ups, targets, listeners and certificates; kept in step, and told by what changed. */
import { FairwayError } from '../../model/code.ts'
import type { Backend, Certificate, HostCertificate, L7Entry, L7Rule, Listener } from '../../model/l7.ts'
import type { Delta } from '../../model/plan.ts'
import { type MapId, mapText, placeOf } from './maps.ts'
import { isAddress, serversOf, serverWords, type Target, type TargetServer, targetOf } from './target.ts'

/** What may be different now; what is named may be gone. */
export interface FormChange {
  /** Keys of look-ups by the text of their map. */
  readonly lookups: Map<string, Set<string>>
  readonly targets: Set<string>
  /** Keys of host certificates, and of listeners whose default certificate it is about. */
  readonly certificates: Set<string>
}

export interface LookupMap {
  readonly id: MapId
  /** The rules behind each key: one, unless they have conditions. */
  readonly rules: Map<string, Set<string>>
}

interface Use {
  readonly target: Target
  /** Keys of rules. */
  readonly users: Set<string>
}

export class Form {
  readonly entries = new Map<string, L7Entry>()
  /** Counts changes of listeners and cases, which only a reload makes. */
  version = 0
  readonly listeners = new Map<string, Listener>()
  readonly maps = new Map<string, LookupMap>()
  /** Rules that ask for more than a map can tell. */
  readonly cases = new Map<string, L7Rule>()
  /** What was left out, by the key of its entry. */
  readonly left = new Map<string, FairwayError>()
  private readonly uses = new Map<string, Use>()
  private readonly targetOfRule = new Map<string, string>()
  private readonly placesOfRule = new Map<string, readonly { readonly map: string; readonly key: string }[]>()
  private readonly targetsOfBackend = new Map<string, Set<string>>()
  private readonly hostsOfCertificate = new Map<string, Set<string>>()

  get targets(): Iterable<Target> {
    return [...this.uses.values()].map(({ target }) => target)
  }

  target(key: string): Target | undefined {
    return this.uses.get(key)?.target
  }

  /** The target that a rule sends to; '' for none. */
  targetOf(rule: string): string {
    return this.targetOfRule.get(rule) ?? ''
  }

  rule(key: string): L7Rule | undefined {
    const entry = this.entries.get(key)
    return entry?.kind === 'rule' ? entry : undefined
  }

  /** Those that HAProxy has a form for. */
  servers(target: Target): readonly TargetServer[] {
    this.left.delete(target.key)
    return serversOf(target, (key) => this.backend(key)).filter((server) => this.isSayable(target, server))
  }

  /** Whether any section with its policy will do. */
  isPooled(target: Target): boolean {
    return target.answer === undefined && !target.isTls && this.servers(target).every(isAddress)
  }

  certificate(key: string): Certificate | undefined {
    const entry = this.entries.get(key)
    return entry?.kind === 'certificate' ? entry : undefined
  }

  /** Of a listener, in no order. */
  hostCertificatesOf(listener: string): readonly HostCertificate[] {
    const all = [...this.entries.values()].filter((entry) => entry.kind === 'host-certificate')
    return all.filter((entry) => entry.listener === listener)
  }

  hostCertificate(key: string): HostCertificate | undefined {
    const entry = this.entries.get(key)
    return entry?.kind === 'host-certificate' ? entry : undefined
  }

  take({ upserts, removals }: Delta<L7Entry>): FormChange {
    const change: FormChange = { lookups: new Map(), targets: new Set(), certificates: new Set() }
    const before = new Map([...upserts.map(({ key }) => key), ...removals].map((key) => [key, this.entries.get(key)]))
    for (const entry of upserts) this.entries.set(entry.key, entry)
    for (const key of removals) this.entries.delete(key)
    // what a rule's listener is decides on what its target is
    const isListener = (key: string) => (this.entries.get(key) ?? before.get(key))?.kind === 'listener'
    const keys = [...before.keys()].sort((one, other) => Number(isListener(other)) - Number(isListener(one)))
    for (const key of keys) {
      this.left.delete(key)
      this.follow(key, before.get(key), change)
    }
    return change
  }

  /** Look-ups of rules whose target is in another section now. */
  touchUsers(target: string, change: FormChange): void {
    for (const rule of this.uses.get(target)?.users ?? [])
      for (const { map, key } of this.placesOfRule.get(rule) ?? []) touch(change, map, key)
  }

  /** Rules that send to a target. */
  usersOf(target: string): ReadonlySet<string> {
    return this.uses.get(target)?.users ?? NOBODY
  }

  private backend(key: string): Backend | undefined {
    const entry = this.entries.get(key)
    return entry?.kind === 'backend' ? entry : undefined
  }

  private follow(key: string, was: L7Entry | undefined, change: FormChange): void {
    const kind = (this.entries.get(key) ?? was)?.kind
    if (kind === 'listener') this.followListener(key, change)
    if (kind === 'rule') this.followRule(key, change)
    if (kind === 'backend') for (const target of this.targetsOfBackend.get(key) ?? []) change.targets.add(target)
    if (kind === 'host-certificate') this.followHost(key, was, change)
    if (kind === 'certificate') {
      for (const host of this.hostsOfCertificate.get(key) ?? []) change.certificates.add(host)
      for (const listener of this.listeners.values())
        if (listener.defaultCertificate === key) change.certificates.add(listener.key)
    }
  }

  private followListener(key: string, change: FormChange): void {
    change.certificates.add(key)
    this.version++
    const entry = this.entries.get(key)
    if (entry?.kind === 'listener') this.listeners.set(key, entry)
    else this.listeners.delete(key)
    for (const which of ['exact', 'prefix'] as const) {
      const id = { listener: key, which }
      // it stays for as long as rules name it
      if (!this.maps.has(mapText(id))) this.maps.set(mapText(id), { id, rules: new Map() })
    }
  }

  private followRule(key: string, change: FormChange): void {
    const rule = this.rule(key)
    const before = this.cases.size
    if (rule !== undefined && isCase(rule)) this.cases.set(key, rule)
    else this.cases.delete(key)
    // a rule without conditions may be the last of a place where others have some
    if (before + this.cases.size > 0) this.version++
    this.moveTarget(key, rule === undefined ? undefined : targetOf(rule, this.isTls(rule)), change)
    for (const { map, key: lookup } of this.placesOfRule.get(key) ?? []) {
      const rules = this.maps.get(map)?.rules
      if (rules !== undefined) remove(rules, lookup, key)
      touch(change, map, lookup)
    }
    const places = rule === undefined ? [] : this.placesOf(rule)
    if (this.left.has(key)) this.cases.delete(key)
    for (const { id, key: lookup } of places) {
      const map = this.maps.get(mapText(id)) ?? { id, rules: new Map<string, Set<string>>() }
      this.maps.set(mapText(id), map)
      add(map.rules, lookup, key)
      touch(change, mapText(id), lookup)
    }
    if (places.length === 0) this.placesOfRule.delete(key)
    else
      this.placesOfRule.set(
        key,
        places.map(({ id, key: lookup }) => ({ map: mapText(id), key: lookup })),
      )
  }

  private placesOf(rule: L7Rule): readonly { readonly id: MapId; readonly key: string }[] {
    try {
      const place = placeOf(rule)
      if (place === undefined) return []
      return rule.listeners.map((listener) => ({ id: { listener, which: place.which }, key: place.key }))
    } catch (error) {
      this.leave(rule.key, error)
      return []
    }
  }

  /** The planner says so by the listener, which may come later than the rule. */
  private isTls({ listeners }: L7Rule): boolean {
    return listeners.some((key) => this.listeners.get(key)?.protocol === 'tls')
  }

  private moveTarget(rule: string, target: Target | undefined, change: FormChange): void {
    const before = this.targetOfRule.get(rule)
    if (before !== undefined && before !== target?.key) {
      const use = this.uses.get(before)
      use?.users.delete(rule)
      if (use?.users.size === 0) {
        this.uses.delete(before)
        for (const backend of use.target.backends.keys()) remove(this.targetsOfBackend, backend, before)
      }
      this.targetOfRule.delete(rule)
      change.targets.add(before)
    }
    if (target === undefined) return
    const use = this.uses.get(target.key) ?? { target, users: new Set() }
    if (use.users.size === 0) {
      this.uses.set(target.key, use)
      for (const backend of target.backends.keys()) add(this.targetsOfBackend, backend, target.key)
      change.targets.add(target.key)
    }
    use.users.add(rule)
    this.targetOfRule.set(rule, target.key)
  }

  private followHost(key: string, was: L7Entry | undefined, change: FormChange): void {
    if (was?.kind === 'host-certificate') remove(this.hostsOfCertificate, was.certificate, key)
    const now = this.hostCertificate(key)
    if (now !== undefined) add(this.hostsOfCertificate, now.certificate, key)
    change.certificates.add(key)
  }

  private isSayable(target: Target, server: TargetServer): boolean {
    try {
      serverWords(server)
      return true
    } catch (error) {
      this.leave(target.key, error)
      return false
    }
  }

  private leave(key: string, error: unknown): void {
    if (!(error instanceof FairwayError)) throw error
    this.left.set(key, error)
  }
}

function isCase({ path, method, conditions }: L7Rule): boolean {
  return path.kind === 'regex' || method !== '' || conditions.length > 0
}

const NOBODY: ReadonlySet<string> = new Set()

function touch({ lookups }: FormChange, map: string, key: string): void {
  lookups.set(map, (lookups.get(map) ?? new Set()).add(key))
}

function add(all: Map<string, Set<string>>, key: string, value: string): void {
  all.set(key, (all.get(key) ?? new Set()).add(value))
}

function remove(all: Map<string, Set<string>>, key: string, value: string): void {
  const values = all.get(key)
  values?.delete(value)
  if (values?.size === 0) all.delete(key)
}
