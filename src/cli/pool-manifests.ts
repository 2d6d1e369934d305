/** What of a file is about pools of addresses. */

import { convertBgpAdvertisement, convertL2Advertisement } from '../kube/pool-objects.ts'
import { convertPoolOutline } from '../kube/pool-outline.ts'
import { keyOf } from '../kube/resource.ts'
import { FairwayError, type Finding } from '../model/code.ts'
import { USAGE_FILE_INVALID } from '../model/codes/usage.ts'
import type { BgpAdvertisement, L2Advertisement } from '../model/load-balancer.ts'
import type { PoolOutline } from '../model/pool-outline.ts'
import type { ObjectKey } from '../model/world.ts'
import { type Manifest, readManifests } from './manifests.ts'

export interface PoolManifests {
  readonly pools: ReadonlyMap<ObjectKey, PoolOutline>
  readonly l2Advertisements: ReadonlyMap<ObjectKey, L2Advertisement>
  readonly bgpAdvertisements: ReadonlyMap<ObjectKey, BgpAdvertisement>
  /** Of the advertisements; those of a pool are with it. */
  readonly findings: readonly Finding[]
  /** `KIND/NAME` of objects that are about something else. */
  readonly others: readonly string[]
}

const API_VERSION = 'metallb.io/v1beta1'
const POOL = 'IPAddressPool'
const KINDS: readonly string[] = [POOL, 'L2Advertisement', 'BGPAdvertisement']
const POOL_FIELDS: Readonly<Record<string, readonly string[]>> = {
  spec: ['addresses', 'autoAssign', 'avoidBuggyIPs', 'serviceAllocation'],
  'spec.serviceAllocation': ['priority', 'namespaces', 'namespaceSelectors', 'serviceSelectors'],
}

/** What objects get from who applies them: a namespace where they name none, and the time. */
export interface Applied {
  readonly namespace: string
  readonly atInMs: number
}

/** @throws {FairwayError} USAGE_FILE_INVALID also when there is no pool and no advertisement in the files, and for a field that a pool does not have */
export function readPoolManifests(files: readonly string[], applied: Applied): PoolManifests {
  const all = readManifests(files)
  const ours = all.filter(({ kind }) => KINDS.includes(kind)).map((one) => asApplied(checked(one), applied))
  const names = files.join(', ')
  if (ours.length === 0)
    throw invalid(`${names} holds no ${KINDS.slice(0, -1).join(', ')} or ${KINDS.at(-1)}`, `${all.length} objects of other kinds`)
  tellTwice(ours)
  const of = (kind: string) => ours.filter((one) => one.kind === kind)
  const l2 = of('L2Advertisement').map(convertL2Advertisement)
  const bgp = of('BGPAdvertisement').map(convertBgpAdvertisement)
  return {
    pools: keyed(of(POOL).map((one) => convertPoolOutline(one).value)),
    l2Advertisements: keyed(l2.map(({ value }) => value)),
    bgpAdvertisements: keyed(bgp.map(({ value }) => value)),
    findings: [...l2, ...bgp].flatMap(({ findings }) => findings),
    others: all.filter(({ kind }) => !KINDS.includes(kind)).map(({ kind, metadata }) => `${kind}/${metadata.name}`),
  }
}

function checked(one: Manifest): Manifest {
  const title = `${one.kind} ${one.metadata.name}`
  if (one.apiVersion !== API_VERSION) throw invalid(`${title} is of ${one.apiVersion}`, `it must be of ${API_VERSION}`)
  if (one.kind === POOL) for (const path of Object.keys(POOL_FIELDS)) tellUnknownFields(title, path, one)
  return one
}

/** A server leaves out what it does not know, and a range that is misspelt is not missed until somebody needs it. */
function tellUnknownFields(title: string, path: string, one: Manifest): void {
  const value = path.split('.').reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>> | null)?.[name], one)
  if (typeof value !== 'object' || value === null) return
  const known = POOL_FIELDS[path] ?? []
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalid(`${title} has a field ${path}.${unknown}`, `${path} has ${known.join(', ')} only`)
}

function asApplied(one: Manifest, { namespace, atInMs }: Applied): Manifest {
  const own = one.metadata.namespace
  if (own !== undefined && typeof own !== 'string')
    throw invalid(`${one.kind} ${one.metadata.name}`, 'metadata.namespace is no text')
  const creationTimestamp = new Date(atInMs).toISOString()
  return { ...one, metadata: { ...one.metadata, namespace: own || namespace, creationTimestamp } }
}

function tellTwice(objects: readonly Manifest[]): void {
  const seen = new Set<string>()
  for (const one of objects) {
    const title = `${one.kind} ${keyOf(one)}`
    if (seen.has(title)) throw invalid(`${title} is there twice`, 'only the last one would be in force')
    seen.add(title)
  }
}

function keyed<T extends { readonly key: ObjectKey }>(values: readonly (T | undefined)[]): ReadonlyMap<ObjectKey, T> {
  return new Map(values.flatMap((value) => (value === undefined ? [] : [[value.key, value]])))
}

function invalid(what: string, more: string): FairwayError {
  return new FairwayError(USAGE_FILE_INVALID, `${what}: ${more}.`, { field: '-f' })
}
