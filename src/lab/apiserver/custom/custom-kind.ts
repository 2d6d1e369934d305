/** Kinds of one CustomResourceDefinition: a record for each version that is served. */
import type { Conversion, KindRecord, RawObject, ScaleMapping } from '../kind.ts'
import { type Definition, type DefinitionVersion, isTrue, type Subresources } from '../kinds/custom-resource-definition/types.ts'
import { apiVersionOf } from '../stored.ts'
import { type CompiledSchema, compileSchema, type StructuralSchema } from '../structural/structural.ts'
import { compareVersions } from '../version-order.ts'
import { columnsOf } from './columns.ts'
import { formOf } from './form.ts'
import { parseJsonPath } from './json-path.ts'

const TERMINATING = 'not allowed while custom resource definition is terminating'

/**
 * Records of a definition that is established; none of one that is not.
 *
 * Order: the version that clients should prefer first. The record of the stored version is made even when that is not served: the
 * others refer to it, and so does who works on what is stored.
 */
export interface CustomKinds {
  readonly served: readonly KindRecord[]
  readonly storage: KindRecord
}

/** Makes the records; `retired` is aborted when they are replaced. Undefined: not established, or no version is the stored one. */
export function customKinds(definition: Definition, retired: AbortSignal): CustomKinds | undefined {
  const { versions = [] } = definition.spec
  const stored = versions.find(({ storage }) => storage === true)
  if (stored === undefined || !isTrue(definition, 'Established')) return undefined
  const storage = recordOf(definition, stored, retired)
  const served = versions
    .filter((version) => version.served === true)
    .toSorted((a, b) => compareVersions(a.name ?? '', b.name ?? ''))
    .map((version) =>
      version === stored ? storage : { ...recordOf(definition, version, retired), conversion: unconverted(storage) },
    )
  return { served, storage }
}

/** Strategy None: objects look the same in all versions, but for the apiVersion, which the machinery sets. */
const unconverted = (storage: KindRecord): Conversion => ({
  storage,
  toStorage: (object) => object,
  fromStorage: (object) => object,
})

/** `io.metallb.v1beta1.IPAddressPool` */
const schemaName = (group: string, version: string, kind: string): string =>
  [...group.split('.').toReversed(), version, kind].join('.')

function recordOf(definition: Definition, of: DefinitionVersion, retired: AbortSignal): KindRecord {
  const { group = '', scope } = definition.spec
  const {
    plural = '',
    singular = '',
    kind = '',
    listKind = `${kind}List`,
    shortNames = [],
    categories = [],
  } = definition.status.acceptedNames
  const version = of.name ?? ''
  const schema = compileSchema((of.schema?.openAPIV3Schema ?? {}) as StructuralSchema)
  const name = schemaName(group, version, kind)
  return {
    ...{ group, version, kind, listKind, plural, singular, shortNames, categories },
    namespaced: scope === 'Namespaced',
    schema: name,
    form: formOf({ group, version, kind, listKind, plural, schema: name }, schema),
    countsGeneration: true,
    replacesByVersion: true,
    columns: columnsOf(of.additionalPrinterColumns),
    selectableFields: selectableOf(of),
    storagePath: `${group}/${plural}`,
    ...subresourcesOf(of.subresources),
    ...behaviourOf(schema),
    ...deprecationOf(of, group, kind),
    ...(definition.metadata.deletionTimestamp === undefined ? {} : { closed: `create ${TERMINATING}` }),
    retired,
  }
}

function behaviourOf(schema: CompiledSchema): Pick<KindRecord, 'defaults' | 'prepare' | 'validate'> {
  return {
    defaults(object) {
      const { apiVersion, kind, metadata, ...fields } = schema.applyDefaults(object)
      for (const [field, value] of Object.entries(fields)) object[field] = value
      for (const field of Object.keys(object)) if (!(field in fields) && !META.has(field)) delete object[field]
    },
    validate: (object, old) => schema.validate(object, old),
  }
}

const META: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

function subresourcesOf(asked: Subresources = {}): Pick<KindRecord, 'subresources' | 'scale' | 'prepare'> {
  const { status, scale } = asked
  return {
    subresources: [...(status === undefined ? [] : ['status']), ...(scale === undefined ? [] : ['scale'])],
    ...(scale === undefined ? {} : { scale: scaleOf(scale) }),
    ...(status === undefined ? {} : { prepare: keepApart }),
  }
}

/** Status is not made with the object, and who writes the status writes nothing else. */
function keepApart(object: RawObject, old: RawObject | undefined, subresource?: string): void {
  if (old === undefined) delete object.status
  if (old === undefined || subresource !== 'status') return
  const { managedFields, resourceVersion } = object.metadata
  object.metadata = {
    ...structuredClone(old.metadata),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(managedFields === undefined ? {} : { managedFields }),
  }
}

function scaleOf(scale: NonNullable<Subresources['scale']>): ScaleMapping {
  const path = (text = ''): readonly string[] => text.split('.').filter((name) => name !== '')
  return {
    specReplicasPath: path(scale.specReplicasPath),
    statusReplicasPath: path(scale.statusReplicasPath),
    ...(scale.labelSelectorPath === undefined ? {} : { selectorPath: path(scale.labelSelectorPath) }),
  }
}

function selectableOf({ selectableFields = [] }: DefinitionVersion): KindRecord['selectableFields'] {
  const readers = selectableFields.map(({ jsonPath = '' }) => {
    const find = parseJsonPath(jsonPath)
    const read = (object: RawObject): string => String(find(object)[0] ?? '')
    return [jsonPath.slice(1), read] as const
  })
  return Object.fromEntries(readers)
}

function deprecationOf(of: DefinitionVersion, group: string, kind: string): Pick<KindRecord, 'deprecated'> {
  if (of.deprecated !== true) return {}
  const apiVersion = apiVersionOf({ group, version: of.name ?? '' })
  return { deprecated: of.deprecationWarning ?? `${apiVersion} ${kind} is deprecated` }
}
