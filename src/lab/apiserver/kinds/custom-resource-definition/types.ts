/** CustomResourceDefinitions, as far as the server reads them. Source: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/v1/types.go. */
import type { RawObject } from '../../kind.ts'

export interface Names {
  plural?: string
  singular?: string
  kind?: string
  listKind?: string
  shortNames?: string[]
  categories?: string[]
}

export interface PrinterColumn {
  readonly name?: string
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly priority?: number
  readonly jsonPath?: string
}

export interface Subresources {
  readonly status?: object
  readonly scale?: {
    readonly specReplicasPath?: string
    readonly statusReplicasPath?: string
    readonly labelSelectorPath?: string
  }
}

export interface DefinitionVersion {
  readonly name?: string
  readonly served?: boolean
  readonly storage?: boolean
  readonly deprecated?: boolean
  readonly deprecationWarning?: string
  readonly schema?: { readonly openAPIV3Schema?: unknown }
  readonly subresources?: Subresources
  readonly additionalPrinterColumns?: readonly PrinterColumn[]
  readonly selectableFields?: readonly { readonly jsonPath?: string }[]
}

export interface Conversion {
  strategy?: string
  webhook?: { readonly clientConfig?: object; readonly conversionReviewVersions?: readonly string[] }
}

export interface DefinitionSpec {
  group?: string
  scope?: string
  names?: Names
  versions?: readonly DefinitionVersion[]
  conversion?: Conversion
  preserveUnknownFields?: boolean
}

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly lastTransitionTime: string
  readonly reason: string
  readonly message: string
}

export interface DefinitionStatus {
  conditions: Condition[]
  acceptedNames: Names
  storedVersions: string[]
}

export interface Definition extends RawObject {
  spec: DefinitionSpec
  status: DefinitionStatus
}

/** The store's name of the kind. */
export const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io'

/** Keeps a definition until its objects are gone. */
export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io'

export const conditionOf = (object: RawObject, type: string): Condition | undefined =>
  ((object as Partial<Definition>).status?.conditions ?? []).find((condition) => condition.type === type)

export const isTrue = (object: RawObject, type: string): boolean => conditionOf(object, type)?.status === 'True'

/** Conditions with one set; its time is that of the last change of its status. */
export function withCondition(conditions: readonly Condition[], next: Condition): Condition[] {
  const at = conditions.findIndex(({ type }) => type === next.type)
  const old = conditions[at]
  if (old === undefined) return [...conditions, next]
  const kept = old.status === next.status ? { ...next, lastTransitionTime: old.lastTransitionTime } : next
  return conditions.with(at, kept)
}
