/** The generated schemas, as a Kubernetes API server publishes them under `components.schemas`. */
import generated from './generated/schemas.json' with { type: 'json' }

/** An OpenAPI v3 schema with Kubernetes' extensions; only what the generator writes. */
export interface OpenApiSchema {
  readonly $ref?: string
  readonly allOf?: readonly OpenApiSchema[]
  readonly oneOf?: readonly OpenApiSchema[]
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly format?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, OpenApiSchema>>
  readonly additionalProperties?: OpenApiSchema
  readonly items?: OpenApiSchema
  readonly required?: readonly string[]
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string
    readonly version: string
    readonly kind: string
  }[]
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: 'atomic'
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
}

export const SCHEMAS = generated as unknown as Readonly<Record<string, OpenApiSchema>>

const PREFIX = '#/components/schemas/'

/** The name of the schema that a `$ref` (bare, or as the only member of `allOf`) points to. */
export function referenceOf(schema: OpenApiSchema): string | undefined {
  return (schema.$ref ?? schema.allOf?.[0]?.$ref)?.slice(PREFIX.length)
}

/** What a field is for, from its schema: `describe('io.k8s.api.core.v1.Secret', 'type')`; '' when not known. */
export function describe(schema: string, field: string): string {
  return SCHEMAS[schema]?.properties?.[field]?.description ?? ''
}
