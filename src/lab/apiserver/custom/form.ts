/** The form of a custom resource, from the schema of a version. */
import type { Decoded, ObjectForm, RawMetadata, RawObject } from '../kind.ts'
import { describe, type OpenApiSchema } from '../openapi/schemas.ts'
import { decodeStrict, type FieldMeta, type ObjectMeta } from '../schema/schema.ts'
import { apiVersionOf } from '../stored.ts'
import type { CompiledSchema } from '../structural/structural.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'

/** Names of one kind that its published schemas carry. */
export interface FormNames {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  /** `io.metallb.v1beta1.IPAddressPool` */
  readonly schema: string
}

export function formOf(names: FormNames, schema: CompiledSchema): ObjectForm {
  const fields = schema.fields(names.schema)
  const apiVersion = apiVersionOf(names)
  const root: FieldMeta = { type: 'object', schema: names.schema, optional: false, patchStrategy: [], atomic: false }
  return {
    root: withFields(root, fields),
    decode: (raw) => decode(schema, raw as RawObject),
    read: (object) => {
      const current = schema.applyDefaults(schema.prune(object).object)
      return current.apiVersion === apiVersion ? current : { ...current, apiVersion }
    },
    published: { [names.schema]: published(names, schema), [`${names.schema}List`]: publishedList(names) },
  }
}

/**
 * Objects that are not of generated schemas carry their fields; what is not declared is merged map by map. Who sets an object owns it,
 * required or not: only Go's structs are there without anyone.
 */
function withFields(declared: FieldMeta, all: ReadonlyMap<string, ObjectMeta>): FieldMeta {
  const meta = { ...declared, optional: true }
  if (meta.type === 'any') return meta.atomic ? meta : ANYTHING
  const item = meta.item === undefined ? {} : { item: withFields(meta.item, all) }
  const fields = meta.schema === undefined ? undefined : all.get(meta.schema)
  if (fields === undefined) return { ...meta, ...item }
  const { schema: _, ...rest } = meta
  return { ...rest, fields: new Map([...fields].map(([name, field]) => [name, withFields(field, all)])) }
}

/** Of what no schema speaks: maps merge by key, all else is replaced as a whole. */
const ANYTHING: FieldMeta = {
  type: 'map',
  optional: true,
  patchStrategy: [],
  atomic: false,
  get item(): FieldMeta {
    return ANYTHING
  },
}

/** Metadata as of every kind, the rest as the schema has it: other types are for validation to find. */
function decode(schema: CompiledSchema, raw: RawObject): Decoded {
  const metadata = decodeStrict({ schema: `${META}.ObjectMeta` }, raw.metadata ?? {})
  const { object, unknown } = schema.prune({ ...raw, metadata: metadata.pruned as RawMetadata })
  return {
    errors: metadata.errors,
    unknown: [...metadata.unknown.map((text) => text.replace('"', '"metadata.')), ...unknown].sort(),
    pruned: structuredClone(object),
  }
}

const gvk = ({ group, version }: FormNames, kind: string) => ({ 'x-kubernetes-group-version-kind': [{ group, version, kind }] })
const reference = (schema: string): OpenApiSchema => ({ allOf: [{ $ref: `#/components/schemas/${schema}` }] })

function published(names: FormNames, schema: CompiledSchema): OpenApiSchema {
  return { ...(schema.openApi() as OpenApiSchema), ...gvk(names, names.kind) }
}

function publishedList(names: FormNames): OpenApiSchema {
  const { kind, listKind, plural, schema } = names
  const text = (field: string): OpenApiSchema => ({
    type: 'string',
    description: describe('io.k8s.api.core.v1.ConfigMapList', field),
  })
  return {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: text('apiVersion'),
      items: { description: `List of ${plural}. More info: ${CONVENTIONS}`, type: 'array', items: reference(schema) },
      kind: text('kind'),
      metadata: {
        description: `Standard list metadata. More info: ${CONVENTIONS}#types-kinds`,
        ...reference(`${META}.ListMeta`),
      },
    },
    ...gvk(names, listKind),
  }
}
