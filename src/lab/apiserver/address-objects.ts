/**
 * Keeps an IPAddress for every cluster address that a Service has. A real server makes it as the address is allocated, and a
 * controller repairs what somebody broke; here both are one comparison, done before the next request is read.
 */
import type { Logger } from 'pino'
import { formatAddress, parseAddress } from './allocators/address.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { sameJson } from './kinds/check.ts'
import { isHeadless, needsClusterIP, specOf } from './kinds/service/types.ts'
import type { Registry } from './registry.ts'
import { resourceOf, storeKey } from './stored.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

const SERVICES = 'services'
const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family'
const MANAGER_LABEL = 'ipaddress.kubernetes.io/managed-by'
const MANAGER = 'ipallocator.k8s.io'
const OPTIONS: WriteOptions = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false }

/** Starts; call the result to stop. */
export function keepAddressObjects(writer: Writer, registry: Registry, log: Logger): () => void {
  const record = registry.find('networking.k8s.io', 'v1', 'ipaddresses')
  return record === undefined ? () => undefined : new AddressObjects(writer, record, log).start()
}

class AddressObjects {
  readonly #writer: Writer
  readonly #record: KindRecord
  readonly #log: Logger
  /** Keys of Services that are to be looked at. */
  readonly #services = new Set<string>()
  /** Addresses that somebody gave up, or touched. */
  readonly #touched = new Set<string>()
  #queued = false

  constructor(writer: Writer, record: KindRecord, log: Logger) {
    this.#writer = writer
    this.#record = record
    this.#log = log
  }

  start(): () => void {
    const { store } = this.#writer
    const resource = resourceOf(this.#record)
    const stops = [
      store.listen(SERVICES, ({ stored, previous }) => this.#serviceChanged(stored.key, stored.object, previous?.object)),
      store.listen(resource, ({ stored, previous }) => this.#addressChanged(stored.object, previous?.object)),
    ]
    for (const stored of store.list(SERVICES)) this.#serviceChanged(stored.key, stored.object)
    for (const { object } of store.list(resource)) this.#addressChanged(object)
    return () => {
      for (const stop of stops) stop()
    }
  }

  #serviceChanged(key: string, ...states: readonly (RawObject | undefined)[]): void {
    this.#services.add(key)
    for (const state of states)
      for (const { metadata } of state === undefined ? [] : addressObjects(state)) this.#touched.add(metadata.name ?? '')
    this.#wake()
  }

  #addressChanged(...states: readonly (RawObject | undefined)[]): void {
    for (const state of states.filter((each) => each !== undefined)) {
      this.#touched.add(state.metadata.name ?? '')
      this.#services.add(ownerKey(state))
    }
    this.#wake()
  }

  #wake(): void {
    if (this.#queued) return
    this.#queued = true
    queueMicrotask(() => this.#work())
  }

  #work(): void {
    this.#queued = false
    try {
      for (const name of this.#touched) this.#removeStray(name)
      for (const key of this.#services) for (const wanted of this.#wantedBy(key)) this.#settle(wanted)
      this.#touched.clear()
      this.#services.clear()
    } catch (err) {
      this.#log.warn({ err }, 'the objects of cluster addresses could not be kept; they will be at the next change')
    }
  }

  #wantedBy(key: string): readonly RawObject[] {
    const service = this.#writer.store.get(SERVICES, key)
    return service === undefined ? [] : addressObjects(service.object)
  }

  #settle(wanted: RawObject): void {
    const place = { record: this.#record, namespace: undefined, subresource: '' }
    const there = this.#writer.find(place, wanted.metadata.name ?? '')
    if (there !== undefined && sameJson(there.object.spec, wanted.spec)) return
    if (there !== undefined) this.#writer.remove(this.#record, there.object)
    this.#writer.create({ place, object: wanted, options: OPTIONS })
  }

  /** Only what was made here goes: an address that a user wrote down for something else is his. */
  #removeStray(name: string): void {
    const there = this.#writer.store.get(resourceOf(this.#record), storeKey(undefined, name))
    if (there === undefined || there.object.metadata.labels?.[MANAGER_LABEL] !== MANAGER) return
    const owns = this.#wantedBy(ownerKey(there.object)).some(({ metadata }) => metadata.name === name)
    if (!owns) this.#writer.remove(this.#record, there.object)
  }
}

/** The key of the Service that an address says it is of. */
function ownerKey({ spec }: RawObject): string {
  const { parentRef } = (spec ?? {}) as { readonly parentRef?: { readonly namespace?: string; readonly name?: string } }
  return storeKey(parentRef?.namespace, parentRef?.name ?? '')
}

/** The objects that a Service has. Source: kubernetes pkg/registry/core/service/ipallocator/ipallocator.go. */
function addressObjects(service: RawObject): readonly RawObject[] {
  const spec = specOf(service)
  if (!needsClusterIP(spec) || isHeadless(spec)) return []
  const { name = '', namespace = '' } = service.metadata
  return (spec.clusterIPs ?? []).flatMap((text): readonly RawObject[] => {
    const address = parseAddress(text)
    if (address === undefined) return []
    const labels = { [FAMILY_LABEL]: address.family, [MANAGER_LABEL]: MANAGER }
    const metadata = { name: formatAddress(address), labels }
    const parentRef = { resource: SERVICES, namespace, name }
    return [{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata, spec: { parentRef } }]
  })
}
