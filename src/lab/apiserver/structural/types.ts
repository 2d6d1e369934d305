/** The schema of a CustomResourceDefinition, and what compiling it gives. */
import type { FieldError } from '../kind.ts'
import type { ObjectMeta } from '../schema/schema.ts'

/** One rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string
  readonly message?: string
  readonly messageExpression?: string
  readonly reason?: string
  readonly fieldPath?: string
  readonly optionalOldSelf?: boolean
}

/** JSONSchemaProps of apiextensions.k8s.io/v1, as JSON has them. Keywords that a structural schema may not have stand at the end. */
export interface StructuralSchema {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly example?: unknown
  readonly externalDocs?: unknown
  readonly nullable?: boolean
  readonly format?: string
  readonly pattern?: string
  readonly enum?: readonly unknown[]
  readonly maximum?: number
  readonly exclusiveMaximum?: boolean
  readonly minimum?: number
  readonly exclusiveMinimum?: boolean
  readonly multipleOf?: number
  readonly maxLength?: number
  readonly minLength?: number
  readonly maxItems?: number
  readonly minItems?: number
  readonly maxProperties?: number
  readonly minProperties?: number
  readonly required?: readonly string[]
  readonly items?: StructuralSchema
  readonly properties?: Readonly<Record<string, StructuralSchema>>
  readonly additionalProperties?: StructuralSchema | boolean
  readonly allOf?: readonly StructuralSchema[]
  readonly anyOf?: readonly StructuralSchema[]
  readonly oneOf?: readonly StructuralSchema[]
  readonly not?: StructuralSchema
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[]
  readonly uniqueItems?: boolean
  readonly id?: string
  readonly $ref?: string
  readonly $schema?: string
  readonly additionalItems?: unknown
  readonly patternProperties?: Readonly<Record<string, StructuralSchema>>
  readonly definitions?: Readonly<Record<string, StructuralSchema>>
  readonly dependencies?: unknown
}

export interface Pruned<T> {
  /** The object without unknown fields; what is left is shared with the argument. */
  readonly object: T
  /** `unknown field "spec.x"`, in alphabetical order: an error (Strict), a warning (Warn) or nothing (Ignore). */
  readonly unknown: readonly string[]
}

/** A schema ready for use. No function changes its arguments. */
export interface CompiledSchema {
  /**
   * Drops fields that the schema does not know. apiVersion, kind and metadata of the object itself are left to others; metadata
   * of embedded resources keeps what ObjectMeta has.
   */
  prune<T extends object>(object: T): Pruned<T>
  /** Fills in defaults; a null that the schema does not allow gives way to the default, or goes. */
  applyDefaults<T extends object>(object: T): T
  /**
   * Whether a pruned and defaulted object fits. With `old` what did not change is not held against the object (ratcheting), and
   * rules on `oldSelf` apply.
   *
   * Order: values, embedded resources, duplicates in lists, then rules, which are not asked when the values do not fit; each in
   * the order of the schema.
   */
  validate(object: unknown, old?: unknown): readonly FieldError[]
  /**
   * What server-side apply needs to know: the fields of each object of the schema by its name; the object itself is `name`, what
   * is inside has names below it.
   */
  fields(name: string): ReadonlyMap<string, ObjectMeta>
  /** What is published in OpenAPI v3: with apiVersion, kind and metadata, without what only the API server understands. */
  openApi(): StructuralSchema
}
