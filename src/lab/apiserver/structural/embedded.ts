/** Embedded resources: apiVersion, kind and metadata of each. Source: apiextensions-apiserver pkg/apiserver/schema/objectmeta/validation.go. */
import { isMap, type JsonMap } from '../json.ts'
import type { FieldError } from '../kind.ts'
import { dnsSubdomain, invalid, labels, required } from '../kinds/check.ts'
import { child, key } from './path.ts'
import type { StructuralSchema } from './types.ts'
import { own } from './value.ts'

/** What is wrong with the resources embedded in a value; the value itself is not looked at unless its schema says it is one. */
export function embeddedErrors(schema: StructuralSchema | undefined, value: unknown, path: string): readonly FieldError[] {
  if (schema === undefined) return []
  if (Array.isArray(value)) return value.flatMap((item, index) => embeddedErrors(schema.items, item, key(path, index)))
  if (!isMap(value)) return []
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  const itself = schema['x-kubernetes-embedded-resource'] === true ? resourceErrors(value, path) : []
  const inside = Object.entries(value).flatMap(([name, field]) => {
    const property = own(schema.properties, name)
    return property === undefined
      ? embeddedErrors(more, field, key(path, name))
      : embeddedErrors(property, field, child(path, name))
  })
  return [...itself, ...inside]
}

function resourceErrors(resource: JsonMap, path: string): readonly FieldError[] {
  return [
    ...versionErrors(resource.apiVersion, child(path, 'apiVersion')),
    ...kindErrors(resource.kind, child(path, 'kind')),
    ...metadataErrors(resource.metadata, child(path, 'metadata')),
  ]
}

function versionErrors(version: unknown, path: string): readonly FieldError[] {
  if (version === undefined || version === '') return [required(path, 'must not be empty')]
  if (typeof version !== 'string') return [invalid(path, version, 'must be a string')]
  return version.split('/').length > 2 ? [invalid(path, version, `unexpected GroupVersion string: ${version}`)] : []
}

const KIND = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const KIND_RULE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

function kindErrors(kind: unknown, path: string): readonly FieldError[] {
  if (kind === undefined || kind === '') return [required(path, 'must not be empty')]
  if (typeof kind !== 'string') return [invalid(path, kind, 'must be a string')]
  return KIND.test(kind.toLowerCase()) ? [] : [invalid(path, kind, KIND_RULE)]
}

/** Names may be missing: an embedded resource is often a template. */
function metadataErrors(metadata: unknown, path: string): readonly FieldError[] {
  if (metadata === undefined) return []
  if (!isMap(metadata)) return [invalid(path, metadata, 'must be an object')]
  const { name, labels: marks } = metadata
  return [
    ...(typeof name === 'string' && name !== '' ? dnsSubdomain(child(path, 'name'), name) : []),
    ...(isMap(marks) && Object.values(marks).every((value) => typeof value === 'string')
      ? labels(child(path, 'labels'), marks as Readonly<Record<string, string>>)
      : []),
  ]
}
