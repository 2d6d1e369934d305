/** The backends that Ingresses send requests to: those that something uses, in step with their Services. */
import type { Finding } from '../model/code.ts'
import type { IngressWorld } from '../model/ingress.ts'
import type { Backend, L7Entry } from '../model/l7.ts'
import type { ObjectKey } from '../model/world.ts'
import type { EntryBook } from './entry-book.ts'
import * as finding from './ingress-finding.ts'
import type { RuleWish } from './ingress-wish.ts'
import { appProtocolOf, backendKey, isProxyProtocolUnreadable, planBackend, portOf } from './l7-backend.ts'
import { SliceIndex } from './slice-index.ts'
import { Uses } from './uses.ts'

interface UsedBackend {
  readonly key: string
  readonly service: ObjectKey
  readonly port: number
  readonly protocol: Backend['protocol']
}

/** Whose wish it is. */
interface BackendAsker {
  readonly key: ObjectKey
  readonly wish: Pick<RuleWish, 'backend' | 'annotations'>
}

interface Find {
  readonly findings: Finding[]
  /** What servers speak, whatever is said of them. */
  readonly protocol?: Backend['protocol']
}

export class IngressBackends {
  private readonly book: EntryBook<L7Entry>
  private readonly slices = new SliceIndex()
  /** By key. */
  private readonly known = new Map<string, UsedBackend>()
  private readonly users = new Uses()
  private readonly ofService = new Uses()
  /** Those that ask for a Service, whether it is there or not. */
  private readonly askers = new Uses()

  constructor(book: EntryBook<L7Entry>) {
    this.book = book
  }

  /** The Services that a slice is or was of. */
  takeSlice(key: string, { endpointSlices }: IngressWorld): Iterable<ObjectKey> {
    return this.slices.set(key, endpointSlices.get(key))
  }

  /** Who has asked for a backend of a Service. */
  usersOf(service: ObjectKey): ReadonlySet<string> {
    return this.askers.of(service)
  }

  /** The backend that a wish is for; undefined when there is none, of which is told. */
  find({ key, wish }: BackendAsker, { services }: IngressWorld, { findings, protocol: said }: Find): UsedBackend | undefined {
    const { service: name, port: asked } = wish.backend
    const service = services.get(name)
    const port = service && portOf(service, asked)
    if (service === undefined || port === undefined) {
      findings.push(finding.missing(key, wish.backend, service !== undefined))
      return undefined
    }
    if (isProxyProtocolUnreadable(service)) findings.push(finding.noProxyProtocol(key, service))
    const protocol = said ?? wish.annotations?.backendProtocol ?? appProtocolOf(port)
    return { key: backendKey(service, port, protocol), service: name, port: port.port, protocol }
  }

  /** Replaces what a user sends requests to, and gives the Services whose backends are to be planned again. `asked`: Services, also missing ones. */
  use(user: string, backends: readonly (UsedBackend | undefined)[], asked: readonly ObjectKey[]): ReadonlySet<ObjectKey> {
    const used = backends.flatMap((one) => one ?? [])
    const before = [...this.users.usedBy(user)].flatMap((key) => this.known.get(key) ?? [])
    for (const one of used) {
      this.known.set(one.key, one)
      this.ofService.set(one.key, [one.service])
    }
    this.users.set(
      user,
      used.map(({ key }) => key),
    )
    this.askers.set(user, asked)
    return new Set([...before, ...used].map(({ service }) => service))
  }

  /** Backends of a Service that nobody uses, or that it does not have any more, go. */
  plan(name: ObjectKey, { services, endpointSlices }: IngressWorld): void {
    const service = services.get(name)
    for (const key of [...this.ofService.of(name)]) {
      const one = this.known.get(key)
      const port = service && one && portOf(service, one.port)
      if (one === undefined || service === undefined || port === undefined || this.users.of(key).size === 0) {
        this.ofService.set(key, [])
        this.known.delete(key)
        this.book.remove(key)
      } else {
        const slices = this.slices.of(name).flatMap((slice) => endpointSlices.get(slice) ?? [])
        this.book.put(planBackend(service, port, { slices, protocol: one.protocol }))
      }
    }
  }
}
