/** Which ReplicaSet is a Deployment's present one, and how sets remember their revisions. Source: pkg/controller/deployment/util. */
import { isDeepStrictEqual } from 'node:util'
import type { Deployment, PodTemplate, ReplicaSet } from '../../../kube/apps.ts'
import { controllerReference } from './ownership.ts'

const HASH_LABEL = 'pod-template-hash'
export const REVISION = 'deployment.kubernetes.io/revision'
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED = 'deployment.kubernetes.io/desired-replicas'
export const MAX = 'deployment.kubernetes.io/max-replicas'
const NOT_COPIED: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  ...[REVISION, REVISION_HISTORY, DESIRED, MAX],
]
const MAX_HISTORY_CHARS = 2_000

type Annotations = Readonly<Record<string, string>>

export function revisionOf(set: ReplicaSet): number {
  return Number.parseInt(set.metadata.annotations?.[REVISION] ?? '0', 10) || 0
}

/** Oldest first; of the same second, by name. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const key = ({ metadata }: ReplicaSet) => `${metadata.creationTimestamp ?? ''} ${metadata.name ?? ''}`
  return key(a) < key(b) ? -1 : 1
}

/** The oldest set that makes the pods which the Deployment now asks for. */
export function presentSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = comparable(deployment.spec?.template)
  return sets.toSorted(byAge).find((set) => isDeepStrictEqual(comparable(set.spec?.template), wanted))
}

/** Without the hash label, and without what is there but empty. */
function comparable(template: PodTemplate | undefined): unknown {
  const { [HASH_LABEL]: _, ...labels } = template?.metadata?.labels ?? {}
  return dense({ ...template, metadata: { ...template?.metadata, labels } })
}

function dense(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dense)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([key, each]) => [key, dense(each)] as const)
    .filter(([, each]) => !isEmpty(each))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries)
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
}

/** FNV-1a of the template's JSON, spelled with letters that make no words. The real one hashes a dump of Go structs: other letters, same use. */
export function templateHash(template: PodTemplate | undefined, collisionCount: number | undefined): string {
  const text = `${JSON.stringify(comparable(template))}${collisionCount ?? ''}`
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  const letters = 'bcdfghjklmnpqrstvwxz2456789'
  return [...String(hash)].map((digit) => letters[digit.charCodeAt(0) % letters.length]).join('')
}

/** A new set, without a number of replicas yet. */
export function newSet(deployment: Deployment, revision: number): ReplicaSet {
  const { template = {}, selector = {}, minReadySeconds } = deployment.spec ?? {}
  const hash = templateHash(template, deployment.status?.collisionCount)
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: { ...copied(deployment), [REVISION]: String(revision) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      ...(minReadySeconds ? { minReadySeconds } : {}),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

function copied(deployment: Deployment): Annotations {
  return Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.includes(key)))
}

/** The set's annotations as its Deployment's present one: a set that becomes it again remembers what it was. */
export function presentAnnotations(deployment: Deployment, set: ReplicaSet, revision: number): Annotations {
  const before = set.metadata.annotations ?? {}
  const known = before[REVISION]
  const annotations = { ...before, ...copied(deployment) }
  if (revisionOf(set) >= revision) return annotations
  const history = (before[REVISION_HISTORY] ?? '').split(',').filter(Boolean)
  if (known !== undefined) history.push(known)
  while (history.join(',').length > MAX_HISTORY_CHARS) history.shift()
  return {
    ...annotations,
    [REVISION]: String(revision),
    ...(history.length === 0 ? {} : { [REVISION_HISTORY]: history.join(',') }),
  }
}
