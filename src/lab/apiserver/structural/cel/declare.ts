/** CEL types of schemas. Source: apiserver pkg/cel/common/schemas.go (SchemaDeclType), values.go. */
import { isMap } from '../../json.ts'
import type { StructuralSchema } from '../types.ts'
import { toDuration } from './duration.ts'
import { identifierOf } from './escape.ts'
import { type CelObject, type Convert, objectClass } from './object.ts'

/** The CEL type of a value, and how the value becomes one of CEL. */
export interface Declared {
  readonly type: string
  readonly convert: Convert
}

/** An object type: fields by the name that rules use. */
export interface ObjectType {
  readonly name: string
  readonly of: new (raw: Readonly<Record<string, unknown>>) => CelObject
  readonly fields: ReadonlyMap<string, string>
}

/** The object types of one schema, as they are found. Names are unique in it. */
export class Declarations {
  readonly objects = new Map<string, ObjectType>()
  readonly #known = new Map<StructuralSchema, Declared | undefined>()

  /** The type of a schema; undefined for one that says nothing of its values, which rules cannot reach. */
  of(schema: StructuralSchema): Declared | undefined {
    if (!this.#known.has(schema)) this.#known.set(schema, this.#declare(schema))
    return this.#known.get(schema)
  }

  /** The type of a whole object: of its metadata, rules see the names. */
  root(schema: StructuralSchema): Declared {
    return this.#object(withMeta(schema))
  }

  #declare(schema: StructuralSchema): Declared | undefined {
    const declared = schema['x-kubernetes-int-or-string'] === true ? INT_OR_STRING : this.#typed(schema)
    if (declared === undefined || schema.nullable !== true) return declared
    return { type: 'dyn', convert: (value) => (value === null ? null : declared.convert(value)) }
  }

  #typed(schema: StructuralSchema): Declared | undefined {
    switch (schema.type) {
      case 'array':
        return this.#list(schema)
      case 'object':
        return typeof schema.additionalProperties === 'object' ? this.#map(schema.additionalProperties) : this.#objectOf(schema)
      case 'string':
        return STRINGS[schema.format ?? ''] ?? STRING
      case 'integer':
        return { type: 'int', convert: (value) => BigInt(Math.trunc(Number(value))) }
      case 'number':
        return { type: 'double', convert: Number }
      case 'boolean':
        return { type: 'bool', convert: (value) => value === true }
      default:
        return undefined
    }
  }

  #list(schema: StructuralSchema): Declared | undefined {
    const item = schema.items === undefined ? undefined : this.of(schema.items)
    if (item === undefined) return undefined
    return { type: `list<${item.type}>`, convert: (value) => (Array.isArray(value) ? value.map(item.convert) : []) }
  }

  #map(schema: StructuralSchema): Declared | undefined {
    const item = this.of(schema)
    if (item === undefined) return undefined
    const convert: Convert = (value) =>
      new Map(Object.entries(isMap(value) ? value : {}).map(([name, field]) => [name, item.convert(field)]))
    return { type: `map<string, ${item.type}>`, convert }
  }

  #objectOf(schema: StructuralSchema): Declared {
    return this.#object(schema['x-kubernetes-embedded-resource'] === true ? withMeta(schema) : schema)
  }

  #object(schema: StructuralSchema): Declared {
    const fields = new Map<string, Declared & { readonly name: string }>()
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const identifier = identifierOf(name)
      const declared = this.of(property)
      if (identifier !== undefined && declared !== undefined) fields.set(identifier, { ...declared, name })
    }
    const of = objectClass(fields)
    const name = `object${this.objects.size + 1}`
    this.objects.set(name, { name, of, fields: new Map([...fields].map(([field, { type }]) => [field, type])) })
    return { type: name, convert: (value) => new of(isMap(value) ? value : {}) }
  }
}

const TEXT: StructuralSchema = { type: 'string' }
const NAMES: StructuralSchema = { type: 'object', properties: { name: TEXT, generateName: TEXT } }

const withMeta = (schema: StructuralSchema): StructuralSchema => ({
  ...schema,
  properties: { ...schema.properties, apiVersion: TEXT, kind: TEXT, metadata: NAMES },
})

const INT_OR_STRING: Declared = {
  type: 'dyn',
  convert: (value) => (typeof value === 'number' ? BigInt(Math.trunc(value)) : value),
}
const STRING: Declared = { type: 'string', convert: String }
const TIMESTAMP: Declared = { type: 'google.protobuf.Timestamp', convert: (value) => new Date(String(value)) }
const STRINGS: Readonly<Record<string, Declared>> = {
  byte: { type: 'bytes', convert: (value) => Buffer.from(String(value), 'base64') },
  duration: { type: 'google.protobuf.Duration', convert: (value) => toDuration(String(value)) },
  date: TIMESTAMP,
  'date-time': TIMESTAMP,
}
