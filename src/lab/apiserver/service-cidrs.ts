/**
 * Keeps ServiceCIDRs: each is marked ready and held by a finalizer, those beside the server's own widen what Services are given, and
 * one that is deleted stays until no address depends on it. Source: kubernetes pkg/controller/servicecidrs.
 */
import type { Logger } from 'pino'
import { type AddressRange, parseAddress, parseRange } from './allocators/address.ts'
import type { ServiceAddresses } from './allocators/service-addresses.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { timestamp } from './metadata.ts'
import type { Registry } from './registry.ts'
import { resourceOf } from './stored.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

const ADDRESSES = 'ipaddresses.networking.k8s.io'
const FINALIZER = 'networking.k8s.io/service-cidr-finalizer'
const OPTIONS: WriteOptions = {
  dryRun: false,
  fieldManager: 'service-cidr-controller',
  fieldValidation: 'Ignore',
  force: false,
}
const READY = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }
const HELD = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}

export interface ServiceCidrOptions {
  /** What Services are given addresses from. */
  readonly addresses: ServiceAddresses
  readonly log: Logger
}

/** Starts; call the result to stop. */
export function keepServiceCidrs(writer: Writer, registry: Registry, options: ServiceCidrOptions): () => void {
  const record = registry.find('networking.k8s.io', 'v1', 'servicecidrs')
  return record === undefined ? () => undefined : new ServiceCidrs(writer, record, options).start()
}

class ServiceCidrs {
  readonly #writer: Writer
  readonly #record: KindRecord
  readonly #options: ServiceCidrOptions
  #queued = false

  constructor(writer: Writer, record: KindRecord, options: ServiceCidrOptions) {
    this.#writer = writer
    this.#record = record
    this.#options = options
  }

  start(): () => void {
    const { store } = this.#writer
    const stops = [resourceOf(this.#record), ADDRESSES].map((each) => store.listen(each, () => this.#wake()))
    this.#work()
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** Before the next request is read. */
  #wake(): void {
    if (this.#queued) return
    this.#queued = true
    queueMicrotask(() => this.#work())
  }

  #work(): void {
    this.#queued = false
    const { addresses, log } = this.#options
    const all = this.#writer.store.list(resourceOf(this.#record)).map(({ object }) => object)
    addresses.serveBeside(all.filter((cidr) => !isGoing(cidr)).flatMap((cidr) => rangesOf(cidr).map(({ text }) => text)))
    try {
      for (const cidr of all) this.#settle(cidr, all)
    } catch (err) {
      log.warn({ err }, 'a ServiceCIDR could not be kept; it will be at the next change')
    }
  }

  #settle(cidr: RawObject, all: readonly RawObject[]): void {
    const going = isGoing(cidr)
    const { finalizers = [] } = cidr.metadata
    const held = going && finalizers.includes(FINALIZER) && this.#isDependedOn(cidr, all)
    if (held || !going) this.#setReady(cidr, held ? HELD : READY)
    const others = finalizers.filter((name) => name !== FINALIZER)
    const wanted = going ? others : [...others, FINALIZER]
    if (held || wanted.length === finalizers.length) return
    this.#change(cidr, '', (object) => {
      object.metadata.finalizers = wanted
    })
  }

  /** Whether there are addresses within it that are in no other range. */
  #isDependedOn(cidr: RawObject, all: readonly RawObject[]): boolean {
    const others = all.filter((other) => other !== cidr && !isGoing(other)).flatMap(rangesOf)
    return this.#writer.store.list(ADDRESSES).some(({ object }) => {
      const name = object.metadata.name ?? ''
      return isWithin(name, rangesOf(cidr)) && !isWithin(name, others)
    })
  }

  #setReady(cidr: RawObject, ready: Pick<Condition, 'status' | 'reason' | 'message'>): void {
    const { conditions = [] } = (cidr.status ?? {}) as { readonly conditions?: readonly Condition[] }
    const known = conditions.find(({ type }) => type === 'Ready')
    if (known?.status === ready.status && known.reason === ready.reason) return
    this.#change(cidr, 'status', (object) => {
      const others = conditions.filter(({ type }) => type !== 'Ready')
      const condition = { type: 'Ready', ...ready, lastTransitionTime: timestamp(this.#writer.now()) }
      object.status = { conditions: [...others, condition] }
    })
  }

  #change(cidr: RawObject, subresource: string, edit: (object: RawObject) => void): void {
    const place = { record: this.#record, namespace: undefined, subresource }
    const now = this.#writer.find(place, cidr.metadata.name ?? '')
    if (now === undefined || now.object.metadata.uid !== cidr.metadata.uid) return
    const object = structuredClone(now.object)
    edit(object)
    this.#writer.update({ place, object, options: OPTIONS }, now)
  }
}

const isGoing = ({ metadata }: RawObject): boolean => metadata.deletionTimestamp !== undefined

function rangesOf({ spec }: RawObject): readonly AddressRange[] {
  const { cidrs = [] } = (spec ?? {}) as { readonly cidrs?: readonly string[] }
  return cidrs.flatMap((text) => parseRange(text) ?? [])
}

function isWithin(text: string, ranges: readonly AddressRange[]): boolean {
  const address = parseAddress(text)
  return (
    address !== undefined &&
    ranges.some(({ family, first, last }) => family === address.family && address.value >= first && address.value <= last)
  )
}
