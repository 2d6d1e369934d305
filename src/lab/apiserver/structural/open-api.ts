/** The schema as it is published. Source: apiextensions-apiserver pkg/controller/openapi/builder/builder.go. */
import { describe } from '../openapi/schemas.ts'
import { OBJECT_META } from './topology.ts'
import type { StructuralSchema } from './types.ts'

const REFERENCE = { allOf: [{ $ref: `#/components/schemas/${OBJECT_META}` }] }
const DESCRIBED = 'io.k8s.api.core.v1.ConfigMap'

const text = (field: string): StructuralSchema => ({ type: 'string', description: describe(DESCRIBED, field) })

/** OpenAPI v3, with apiVersion, kind and metadata; `x-kubernetes-group-version-kind` is for who knows the kind. */
export function openApiOf(schema: StructuralSchema): StructuralSchema {
  return {
    ...published(schema),
    properties: {
      apiVersion: text('apiVersion'),
      kind: text('kind'),
      metadata: { description: describe(DESCRIBED, 'metadata'), ...REFERENCE },
      ...withoutMeta(publishedAll(schema.properties ?? {})),
    },
  }
}

const withoutMeta = (properties: Readonly<Record<string, StructuralSchema>>): Readonly<Record<string, StructuralSchema>> =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !['apiVersion', 'kind', 'metadata'].includes(name)))

const publishedAll = (properties: Readonly<Record<string, StructuralSchema>>): Readonly<Record<string, StructuralSchema>> =>
  Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, published(property)]))

/** Embedded resources show their apiVersion, kind and metadata too. */
function published(schema: StructuralSchema): StructuralSchema {
  const { properties, items, additionalProperties, ...rest } = schema
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  const meta: Readonly<Record<string, StructuralSchema>> = embedded
    ? { apiVersion: text('apiVersion'), kind: text('kind'), metadata: REFERENCE }
    : {}
  return {
    ...rest,
    ...(properties === undefined && !embedded ? {} : { properties: { ...publishedAll(properties ?? {}), ...meta } }),
    ...(items === undefined ? {} : { items: published(items) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties: typeof additionalProperties === 'object' ? published(additionalProperties) : additionalProperties,
        }),
  }
}
