/** Rules of metadata, the same for every kind (apimachinery api/validation/objectmeta.go). */

import type { FieldError, KindRecord, RawMetadata, RawObject } from './kind.ts'
import { dnsLabel, dnsSubdomain, invalid, labels, qualifiedName, required, sameJson } from './kinds/check.ts'
import type { OwnerReference } from './owner-index.ts'

const NAME_RULES: Readonly<Record<NonNullable<KindRecord['nameRule']>, (field: string, name: string) => readonly FieldError[]>> =
  {
    'dns-subdomain': dnsSubdomain,
    'dns-label': dnsLabel,
    'path-segment': pathSegment,
  }

function pathSegment(field: string, name: string): readonly FieldError[] {
  if (name === '.' || name === '..') return [invalid(field, name, `may not be '${name}'`)]
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => invalid(field, name, `may not contain '${part}'`))
}

const ANNOTATION_LIMIT_IN_BYTES = 256 * 1024

function annotationErrors(annotations: Readonly<Record<string, string>>): readonly FieldError[] {
  const field = 'metadata.annotations'
  const names = Object.keys(annotations).flatMap((key) => qualifiedName(field, key.toLowerCase()))
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  const tooLong: FieldError = { type: 'TooLong', field, detail: `may not be more than ${ANNOTATION_LIMIT_IN_BYTES} bytes` }
  return size > ANNOTATION_LIMIT_IN_BYTES ? [...names, tooLong] : names
}

/** What is wrong with the owners of an object. Source: apimachinery pkg/api/validation/objectmeta.go. */
function ownerErrors(owners: readonly OwnerReference[] = []): readonly FieldError[] {
  const field = 'metadata.ownerReferences'
  const errors = owners.flatMap((owner) => [
    ...(owner.apiVersion ? [] : [invalid(`${field}.apiVersion`, '', 'version must not be empty')]),
    ...(['kind', 'name', 'uid'] as const)
      .filter((part) => !owner[part])
      .map((part) => invalid(`${field}.${part}`, '', 'must not be empty')),
  ])
  const [first, second] = owners.filter(({ controller }) => controller === true)
  if (first === undefined || second === undefined) return errors
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`
  return [...errors, invalid(field, owners, detail)]
}

/** Metadata of a new object. */
export function validateMetadata(record: KindRecord, metadata: RawMetadata): readonly FieldError[] {
  const { name = '', generateName = '' } = metadata
  const rule = NAME_RULES[record.nameRule ?? 'dns-subdomain']
  const prefix = generateName.endsWith('-') ? `${generateName.slice(0, -1)}a` : generateName
  return [
    ...(generateName === '' ? [] : rule('metadata.generateName', prefix)),
    ...(name === '' ? [required('metadata.name', 'name or generateName is required')] : rule('metadata.name', name)),
    ...labels('metadata.labels', metadata.labels),
    ...annotationErrors(metadata.annotations ?? {}),
    ...ownerErrors(metadata.ownerReferences),
    ...(metadata.finalizers ?? []).flatMap((finalizer) => qualifiedName('metadata.finalizers', finalizer)),
  ]
}

/** Metadata of a changed object: labels and annotations anew, and what may not change. */
export function validateMetadataUpdate(metadata: RawMetadata, old: RawMetadata): readonly FieldError[] {
  const fixed = (['name', 'namespace', 'uid', 'creationTimestamp'] as const).filter((field) => metadata[field] !== old[field])
  return [
    ...fixed.map((field) => invalid(`metadata.${field}`, metadata[field], 'field is immutable')),
    ...addedFinalizers(metadata, old),
    ...(sameJson(metadata.labels, old.labels) ? [] : labels('metadata.labels', metadata.labels)),
    ...annotationErrors(metadata.annotations ?? {}),
    ...(sameJson(metadata.ownerReferences, old.ownerReferences) ? [] : ownerErrors(metadata.ownerReferences)),
  ]
}

function addedFinalizers(metadata: RawMetadata, old: RawMetadata): readonly FieldError[] {
  if (old.deletionTimestamp === undefined) return []
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer))
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`
  return added.length === 0 ? [] : [{ type: 'Forbidden', field: 'metadata.finalizers', detail }]
}

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'
const LONGEST_PREFIX = 58

/** `generateName` and five letters, as Kubernetes names what has no name. */
export function generatedName(prefix: string): string {
  const letters = Array.from({ length: 5 }, () => SUFFIX_LETTERS[Math.floor(Math.random() * SUFFIX_LETTERS.length)])
  return `${prefix.slice(0, LONGEST_PREFIX)}${letters.join('')}`
}

/** A time as metadata has it: RFC 3339, whole seconds. */
export const timestamp = (inMs: number): string => `${new Date(inMs).toISOString().slice(0, 19)}Z`

/** Whether something outside metadata and a status with a subresource of its own differs: what `generation` counts. */
export function specChanged(record: KindRecord, object: RawObject, old: RawObject): boolean {
  const countsStatus = record.form !== undefined && !record.subresources.includes('status')
  const fields = new Set([...Object.keys(object), ...Object.keys(old)])
  for (const field of ['metadata', 'kind', 'apiVersion', ...(countsStatus ? [] : ['status'])]) fields.delete(field)
  return [...fields].some((field) => !sameJson(object[field], old[field]))
}
