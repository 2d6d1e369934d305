/** What the server serves, in the forms that clients ask for: legacy lists, and all at once (apidiscovery.k8s.io). */
import { createHash } from 'node:crypto'
import type { KindRecord } from './kind.ts'
import { REVIEWS } from './review.ts'
import { apiVersionOf } from './stored.ts'
import { subresourceInfo } from './subresource.ts'
import { compareVersions } from './version-order.ts'

const VERBS: readonly string[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** In the order of a real server's, which is another for custom resources; fewer while their definition is being deleted. */
const CUSTOM_VERBS: readonly string[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const CLOSED_VERBS: readonly string[] = ['delete', 'deletecollection', 'get', 'list', 'watch']

/** As /version of the recorded server, but for the platform's words. */
export const VERSION = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.2',
  gitCommit: '98b35193b2ac7a23a673325f5e9b830ecd5ba406',
  gitTreeState: 'clean',
  buildDate: '2026-08-21T00:00:00Z',
  goVersion: 'go1.26.10',
  compiler: 'gc',
  platform: 'linux/amd64',
} as const

/** One served resource, of either sort. */
interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly subresources: readonly string[]
  readonly actions?: KindRecord['actions']
  readonly streams?: KindRecord['streams']
  readonly scale?: KindRecord['scale']
}

const verbsOf = (record: KindRecord): readonly string[] =>
  record.closed !== undefined ? CLOSED_VERBS : record.form === undefined ? VERBS : CUSTOM_VERBS

function resources(kinds: readonly KindRecord[]): readonly Resource[] {
  const stored = kinds.map((record) => ({ ...record, verbs: verbsOf(record), subresources: [...record.subresources].sort() }))
  const reviews = REVIEWS.map((review) => ({
    ...review,
    namespaced: false,
    verbs: ['create'],
    shortNames: [],
    categories: [],
    subresources: [],
  }))
  return [...stored, ...reviews].sort((a, b) => (a.plural < b.plural ? -1 : 1))
}

const named = (resource: Resource): object => ({
  ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
  ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
})

/**
 * The order of groups: a real server's (by the priority of its API services), which is the order of clients' preference. Groups
 * that are not named come last: those of custom resources, and of versions that a real server no longer has.
 */
const GROUP_ORDER: readonly string[] = [
  ...['', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling', 'batch'],
  ...['networking.k8s.io', 'policy', 'rbac.authorization.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io'],
  ...['coordination.k8s.io', 'discovery.k8s.io', 'resource.k8s.io'],
]
const rankOf = (group: string): number => (GROUP_ORDER.includes(group) ? GROUP_ORDER.indexOf(group) : GROUP_ORDER.length)

/** The groups beside the core, as clients should prefer them; each has one version or more, the preferred one first. */
function groupsOf(all: readonly Resource[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const { group, version } of all) {
    const versions = groups.get(group) ?? []
    groups.set(group, versions)
    if (!versions.includes(version)) versions.push(version)
  }
  const sorted = [...groups].toSorted(
    ([a], [b]) => rankOf(a) - rankOf(b) || (rankOf(a) < GROUP_ORDER.length ? 0 : a < b ? -1 : 1),
  )
  return new Map(sorted.map(([group, versions]) => [group, versions.toSorted(compareVersions)]))
}

/** GET /api. */
export function apiVersions(serverAddress: string): object {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] }
}

function groupEntry(name: string, versions: readonly string[]): object {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

/** GET /apis. */
export function apiGroups(kinds: readonly KindRecord[]): object {
  const groups = [...groupsOf(resources(kinds))].filter(([name]) => name !== '')
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(([name, versions]) => groupEntry(name, versions)) }
}

/** GET /apis/GROUP; undefined when there is none. */
export function apiGroup(kinds: readonly KindRecord[], name: string): object | undefined {
  const versions = groupsOf(resources(kinds)).get(name)
  return versions === undefined || name === '' ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(name, versions) }
}

/** GET /api/v1 and /apis/GROUP/VERSION; undefined when nothing is served there. */
export function apiResources(kinds: readonly KindRecord[], group: string, version: string): object | undefined {
  const members = resources(kinds).filter((resource) => resource.group === group && resource.version === version)
  if (members.length === 0) return undefined
  const list = members.flatMap((resource) => [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: resource.verbs,
      ...named(resource),
    },
    ...resource.subresources.map((name) => legacySubresource(resource, name)),
  ])
  const apiVersion = group === '' ? {} : { apiVersion: 'v1' }
  return { kind: 'APIResourceList', ...apiVersion, groupVersion: apiVersionOf({ group, version }), resources: list }
}

function legacySubresource(resource: Resource, name: string): object {
  const { kind, group, version, verbs } = subresourceInfo(resource, name)
  const foreign = group === undefined ? {} : { group, version }
  return { name: `${resource.plural}/${name}`, singularName: '', namespaced: resource.namespaced, ...foreign, kind, verbs }
}

const responseKind = (kind: string, group = '', version = ''): object => ({ group, version, kind })

function aggregatedResource(resource: Resource): object {
  const subresources = resource.subresources.map((subresource) => {
    const { kind, group, version, verbs } = subresourceInfo(resource, subresource)
    return { subresource, responseKind: responseKind(kind, group, version), verbs }
  })
  return {
    resource: resource.plural,
    responseKind: responseKind(resource.kind),
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...named(resource),
    ...(subresources.length === 0 ? {} : { subresources }),
  }
}

/** GET /api or /apis in the aggregated form. `core` chooses which; `form` is v2 or v2beta1. */
export function aggregated(
  kinds: readonly KindRecord[],
  core: boolean,
  form: string,
): { readonly body: string; readonly etag: string } {
  const all = resources(kinds)
  const items = [...groupsOf(all)]
    .filter(([name]) => (name === '') === core)
    .map(([name, versions]) => ({
      metadata: name === '' ? {} : { name },
      versions: versions.map((version) => ({
        version,
        resources: all.filter((resource) => resource.group === name && resource.version === version).map(aggregatedResource),
        freshness: 'Current',
      })),
    }))
  const body = JSON.stringify({ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${form}`, metadata: {}, items })
  return { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` }
}
