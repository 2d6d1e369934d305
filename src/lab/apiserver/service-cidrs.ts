/**
 * Keeps ServiceCIDRs: each is marked ready and held by a finalizer, those beside the server's own widen what Services are given, and
 * one that is deleted stays until no address depends on it. Source: kubernetes pkg/controller/servicecidrs.
 */
import type { Logger } from 'pino'
import { type AddressRange, parseAddress, parseRange } from './allocators/address.ts'
import type { ServiceAddresses } from './allocators/service-addresses.ts'
import type { RawObject } from './kind.ts'
import { timestamp } from './metadata.ts'
import type { Registry } from './registry.ts'
import { resourceOf } from './stored.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

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

const rangesOf = ({ spec }: RawObject): readonly AddressRange[] =>
  ((spec as { cidrs?: readonly string[] } | undefined)?.cidrs ?? []).flatMap((text) => parseRange(text) ?? [])
const isGoing = ({ metadata }: RawObject): boolean => metadata.deletionTimestamp !== undefined

/** Starts; call the result to stop. */
export function keepServiceCidrs(
  writer: Writer,
  registry: Registry,
  { addresses, log }: { readonly addresses: ServiceAddresses; readonly log: Logger },
): () => void {
  const found = ['servicecidrs', 'ipaddresses'].map((plural) => registry.find('networking.k8s.io', 'v1', plural))
  const [cidrs, taken] = found
  if (cidrs === undefined || taken === undefined) return () => undefined
  const { store } = writer
  const [resource, takenResource] = [resourceOf(cidrs), resourceOf(taken)]
  let queued = false

  const work = (): void => {
    queued = false
    const all = store.list(resource).map(({ object }) => object)
    addresses.serveBeside(all.filter((cidr) => !isGoing(cidr)).flatMap((cidr) => rangesOf(cidr).map(({ text }) => text)))
    try {
      for (const cidr of all) settle(cidr, all)
    } catch (err) {
      log.warn({ err }, 'a ServiceCIDR could not be kept; it will be at the next change')
    }
  }
  /** Addresses within it that no other range has. */
  const depended = (cidr: RawObject, all: readonly RawObject[]): boolean => {
    const others = all.filter((other) => other.metadata.uid !== cidr.metadata.uid && !isGoing(other)).flatMap(rangesOf)
    return store.list(takenResource).some(({ object }) => {
      const name = object.metadata.name ?? ''
      return isWithin(name, rangesOf(cidr)) && !isWithin(name, others)
    })
  }
  const settle = (cidr: RawObject, all: readonly RawObject[]): void => {
    const going = isGoing(cidr)
    const { finalizers = [] } = cidr.metadata
    const held = going && finalizers.includes(FINALIZER) && depended(cidr, all)
    if (held || !going) setReady(cidr, held ? HELD : READY)
    if (held) return
    const wanted = going
      ? finalizers.filter((name) => name !== FINALIZER)
      : [...finalizers.filter((name) => name !== FINALIZER), FINALIZER]
    if (wanted.length === finalizers.length) return
    change(cidr, '', (object) => {
      object.metadata.finalizers = wanted
    })
  }
  const setReady = (cidr: RawObject, ready: Pick<Condition, 'status' | 'reason' | 'message'>): void => {
    const { conditions = [] } = (cidr.status ?? {}) as { readonly conditions?: readonly Condition[] }
    const known = conditions.find(({ type }) => type === 'Ready')
    if (known?.status === ready.status && known.reason === ready.reason) return
    change(cidr, 'status', (object) => {
      const others = conditions.filter(({ type }) => type !== 'Ready')
      object.status = { conditions: [...others, { type: 'Ready', ...ready, lastTransitionTime: timestamp(writer.now()) }] }
    })
  }
  const change = (cidr: RawObject, subresource: string, edit: (object: RawObject) => void): void => {
    const place = { record: cidrs, namespace: undefined, subresource }
    const now = writer.find(place, cidr.metadata.name ?? '')
    if (now === undefined || now.object.metadata.uid !== cidr.metadata.uid) return
    const object = structuredClone(now.object)
    edit(object)
    writer.update({ place, object, options: OPTIONS }, now)
  }
  const wake = (): void => {
    if (queued) return
    queued = true
    queueMicrotask(work)
  }
  const stops = [resource, takenResource].map((each) => store.listen(each, wake))
  work()
  return () => {
    for (const stop of stops) stop()
  }
}

function isWithin(text: string, ranges: readonly AddressRange[]): boolean {
  const address = parseAddress(text)
  return (
    address !== undefined &&
    ranges.some(({ family, first, last }) => family === address.family && address.value >= first && address.value <= last)
  )
}
