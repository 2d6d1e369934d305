/** Which Ingresses are ours, and what each asks for: as it is, or as it was before a change that cannot be used. */
import type { Finding } from '../model/code.ts'
import type { Ingress, IngressClass, IngressWorld } from '../model/ingress.ts'
import type { ObjectKey } from '../model/world.ts'
import type { FindingBook } from './finding-book.ts'
import * as finding from './ingress-finding.ts'
import { asksForExpressions, type IngressWishes, NO_WISHES, wishesOf } from './ingress-wish.ts'
import { Uses } from './uses.ts'

/** Who serves the class of an Ingress: Source: Kubernetes IngressClass API, spec.controller. */
const INGRESS_CONTROLLER = 'fairway.dev/ingress'

/** What an Ingress asks for now; nothing when it is not ours, or gone. */
export interface Asked {
  readonly key: ObjectKey
  readonly createdAtInMs: number
  readonly wishes: IngressWishes
}

interface Taken {
  /** As it is, and as it is served. */
  readonly current: Ingress | undefined
  readonly ingress: Ingress | undefined
  readonly ofClass: IngressClass | undefined
}

export class ServedIngresses {
  private readonly findings: FindingBook
  private readonly served = new Set<ObjectKey>()
  /** The last version of each that could be read as a whole. */
  private readonly whole = new Map<ObjectKey, Ingress>()
  /** Hosts whose paths are expressions, by who asks that of them. */
  private readonly expressions = new Uses()
  private readonly hosts = new Uses()

  constructor(findings: FindingBook) {
    this.findings = findings
  }

  get keys(): ReadonlySet<ObjectKey> {
    return this.served
  }

  /** What it asks for, and others whose paths mean something else by its change. */
  take(key: ObjectKey, world: IngressWorld): readonly Asked[] {
    const current = world.ingresses.get(key)
    const ofClass = current && classOf(current, world.classes)
    if (ofClass === undefined) this.served.delete(key)
    else this.served.add(key)
    const speaks = ofClass?.dialect === 'ingress-nginx'
    const ingress = ofClass === undefined ? undefined : this.usable(current, speaks)
    if (current === undefined || ofClass === undefined) this.whole.delete(key)
    this.tell(key, { current, ingress, ofClass })
    const hosts = ingress?.rules.map(({ host }) => host) ?? []
    this.hosts.set(key, speaks ? hosts : [])
    const said = speaks ? ingress?.annotations : undefined
    const flipped = this.changeExpressions(key, said !== undefined && asksForExpressions(said) ? hosts : [])
    const others = new Set(flipped.flatMap((host) => [...this.hosts.of(host)]).filter((other) => other !== key))
    return [
      this.ask(key, ingress, speaks),
      ...[...others].map((other) => this.ask(other, this.usable(world.ingresses.get(other), true), true)),
    ]
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

  /** The hosts whose paths are expressions now, and were not, or the other way round. */
  private changeExpressions(key: ObjectKey, hosts: readonly string[]): readonly string[] {
    const all = [...new Set([...hosts, ...this.expressions.usedBy(key)])]
    const was = new Set(all.filter((host) => this.hasExpressions(host)))
    this.expressions.set(key, hosts)
    return all.filter((host) => this.hasExpressions(host) !== was.has(host))
  }

  private hasExpressions(host: string): boolean {
    return this.expressions.of(host).size > 0
  }

  private ask(key: ObjectKey, ingress: Ingress | undefined, speaks: boolean): Asked {
    const wishes = ingress === undefined ? NO_WISHES : this.wishes(ingress, speaks)
    const findings = wishes.unusable.map((path) => finding.unusablePath(key, path, speaks))
    this.findings.note(`paths ${key}`, findings)
    return { key, createdAtInMs: ingress?.createdAtInMs ?? 0, wishes }
  }

  private wishes(ingress: Ingress, speaks: boolean): IngressWishes {
    const said = ingress.annotations ?? { problems: [] }
    const isBlocked = speaks ? said.problems.some(({ protects }) => protects) : finding.protectorsOf(said).length > 0
    const hasExpressions = (host: string) => this.hasExpressions(host)
    return wishesOf(ingress, { isBlocked, hasExpressions, ...(speaks ? { annotations: said } : {}) })
  }

  private tell(key: ObjectKey, { current, ingress, ofClass }: Taken): void {
    const said = current?.annotations
    const findings: Finding[] = []
    if (current !== undefined && ofClass !== undefined && ingress !== current) findings.push(finding.held(key))
    if (ofClass !== undefined && said !== undefined) {
      if (ofClass.dialect === '') findings.push(finding.dialectOff(key, current?.className ?? '', finding.protectorsOf(said)))
      else findings.push(...said.problems.map((problem) => finding.annotationProblem(key, problem)))
    }
    this.findings.note(`ingress ${key}`, findings)
  }
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
