/**
 * Keeps an IPAddress for every cluster address that a Service has. A real server makes it as the address is allocated, and a
 * controller repairs what somebody broke; here both are one comparison, done before the next request is read.
 */
import type { Logger } from 'pino'
import { formatAddress, parseAddress } from './allocators/address.ts'
import type { RawObject } from './kind.ts'
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

/** The objects that a Service has. Source: kubernetes pkg/registry/core/service/ipallocator/ipallocator.go. */
function addressObjects(service: RawObject): readonly RawObject[] {
  const spec = specOf(service)
  if (!needsClusterIP(spec) || isHeadless(spec)) return []
  const { name = '', namespace = '' } = service.metadata
  return (spec.clusterIPs ?? []).flatMap((text): readonly RawObject[] => {
    const address = parseAddress(text)
    if (address === undefined) return []
    const labels = { [FAMILY_LABEL]: address.family, [MANAGER_LABEL]: MANAGER }
    return [
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IPAddress',
        metadata: { name: formatAddress(address), labels },
        spec: { parentRef: { resource: 'services', namespace, name } },
      },
    ]
  })
}

/** Starts; call the result to stop. */
export function keepAddressObjects(writer: Writer, registry: Registry, log: Logger): () => void {
  const found = registry.find('networking.k8s.io', 'v1', 'ipaddresses')
  if (found === undefined) return () => undefined
  const record = found
  const resource = resourceOf(record)
  const { store } = writer
  const place = { record, namespace: undefined, subresource: '' }
  /** Services by their key that are to be looked at, and addresses that somebody touched. */
  const dirty = new Set<string>()
  const touched = new Set<string>()

  const settle = (wanted: RawObject): void => {
    const there = store.get(resource, storeKey(undefined, wanted.metadata.name ?? ''))
    if (there !== undefined && sameJson(there.object.spec, wanted.spec)) return
    if (there !== undefined) writer.remove(record, there.object)
    writer.create({ place, object: wanted, options: OPTIONS })
  }
  /** Only what was made here goes: an address that a user wrote down for something else is his. */
  const removeStray = (name: string): void => {
    const there = store.get(resource, storeKey(undefined, name))
    if (there === undefined || there.object.metadata.labels?.[MANAGER_LABEL] !== MANAGER) return
    const { parentRef } = (there.object.spec ?? {}) as { parentRef?: { namespace?: string; name?: string } }
    const owner = store.get(SERVICES, storeKey(parentRef?.namespace, parentRef?.name ?? ''))
    const owns = owner !== undefined && addressObjects(owner.object).some(({ metadata }) => metadata.name === name)
    if (!owns) writer.remove(record, there.object)
  }
  const work = (): void => {
    try {
      for (const name of touched) removeStray(name)
      for (const key of dirty) for (const wanted of addressObjects(store.get(SERVICES, key)?.object ?? NOTHING)) settle(wanted)
    } catch (err) {
      log.warn({ err }, 'the objects of cluster addresses could not be kept; they will be at the next change')
      return
    } finally {
      queued = false
    }
    dirty.clear()
    touched.clear()
  }
  let queued = false
  const wake = (): void => {
    if (queued) return
    queued = true
    queueMicrotask(work)
  }
  const serviceChanged = (key: string, ...states: readonly (RawObject | undefined)[]): void => {
    dirty.add(key)
    for (const state of states) for (const { metadata } of addressObjects(state ?? NOTHING)) touched.add(metadata.name ?? '')
    wake()
  }

  const stops = [
    store.listen(SERVICES, ({ stored, previous }) => serviceChanged(stored.key, stored.object, previous?.object)),
    store.listen(resource, ({ stored, previous }) => {
      const { name = '' } = stored.object.metadata
      touched.add(name)
      for (const object of [stored.object, previous?.object]) {
        const { parentRef } = (object?.spec ?? {}) as { parentRef?: { namespace?: string; name?: string } }
        if (parentRef?.name !== undefined) dirty.add(storeKey(parentRef.namespace, parentRef.name))
      }
      wake()
    }),
  ]
  for (const stored of store.list(SERVICES)) serviceChanged(stored.key, stored.object)
  for (const { object } of store.list(resource)) touched.add(object.metadata.name ?? '')
  return () => {
    for (const stop of stops) stop()
  }
}

const NOTHING: RawObject = { apiVersion: 'v1', kind: 'Service', metadata: {}, spec: { type: 'ExternalName' } }
