/** Versions of a CustomResourceDefinition: schema, subresources, columns, fields to select by. Source: as validate.ts. */
import { schemaErrors } from '../../structural/structural.ts'
import * as check from '../check.ts'
import type { DefinitionVersion, PrinterColumn, Subresources } from './types.ts'

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const SELECTABLE_TYPES: readonly unknown[] = ['string', 'boolean', 'integer']
const MOST_SELECTABLE_FIELDS = 8

type Part = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'

const TOP: Readonly<Record<Part, string>> = {
  schema: 'spec.validation',
  subresources: 'spec.subresources',
  additionalPrinterColumns: 'spec.additionalPrinterColumns',
  selectableFields: 'spec.selectableFields',
}

/** A part that is the same in all versions is checked, and named, once, after all the versions. */
export function versionErrors(versions: readonly DefinitionVersion[]): check.FieldErrors {
  const [first = {}] = versions
  const shared = (Object.keys(TOP) as Part[]).filter((part) =>
    versions.every((version) => version[part] !== undefined && check.sameJson(version[part], first[part])),
  )
  const own = versions.flatMap((version, index) => {
    const field = `spec.versions[${index}]`
    const parts = (Object.keys(TOP) as Part[]).filter((part) => !shared.includes(part))
    return [...nameErrors(field, version), ...parts.flatMap((part) => partErrors(part, `${field}.${part}`, version))]
  })
  return [...own, ...shared.flatMap((part) => partErrors(part, TOP[part], first))]
}

function nameErrors(field: string, version: DefinitionVersion): check.FieldErrors {
  const { deprecated, deprecationWarning: warning } = version
  const about = `${field}.deprecationWarning`
  return [
    ...check.dns1035Label(`${field}.name`, version.name),
    ...(warning !== undefined && deprecated !== true
      ? [check.invalid(about, warning, 'can only be set for deprecated versions')]
      : []),
    ...(warning !== undefined && warning.length > 256 ? [check.invalid(about, warning, 'must be <= 256 characters long')] : []),
    ...(warning === '' ? [check.invalid(about, warning, 'must not be an empty string')] : []),
  ]
}

function partErrors(part: Part, field: string, version: DefinitionVersion): check.FieldErrors {
  if (part === 'schema') {
    const schema = version.schema?.openAPIV3Schema
    return schema === undefined ? [] : schemaErrors(schema, `${field}.openAPIV3Schema`)
  }
  if (part === 'subresources') return scaleErrors(`${field}.scale`, version.subresources)
  if (part === 'selectableFields') return selectableErrors(field, version)
  return (version.additionalPrinterColumns ?? []).flatMap((column, index) => columnErrors(`${field}[${index}]`, column))
}

function simplePath(field: string, path: string): check.FieldErrors {
  if (path === '') return [check.invalid(field, path, 'must not be empty')]
  return path.startsWith('.') ? [] : [check.invalid(field, path, 'must be a simple json path starting with .')]
}

function columnErrors(field: string, column: PrinterColumn): check.FieldErrors {
  const { name = '', type = '', format = '', jsonPath = '' } = column
  const types = `must be one of ${COLUMN_TYPES.join(',')}`
  return [
    ...(name === '' ? [check.required(`${field}.name`)] : []),
    ...(type === '' ? [check.required(`${field}.type`, types)] : []),
    ...(type === '' || COLUMN_TYPES.includes(type) ? [] : [check.invalid(`${field}.type`, type, types)]),
    ...(format === '' || COLUMN_FORMATS.includes(format)
      ? []
      : [check.invalid(`${field}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`)]),
    ...(jsonPath === '' ? [check.required(`${field}.JSONPath`)] : simplePath(`${field}.JSONPath`, jsonPath)),
  ]
}

function scaleErrors(field: string, subresources: Subresources | undefined): check.FieldErrors {
  const scale = subresources?.scale
  if (scale === undefined) return []
  const below = (name: string, path: string, roots: readonly string[]): check.FieldErrors => {
    const errors = simplePath(`${field}.${name}`, path)
    if (errors.length > 0 || roots.some((root) => path.startsWith(`${root}.`))) return errors
    const where = roots.length === 1 ? roots[0] : `either ${roots.join(' or ')}`
    return [check.invalid(`${field}.${name}`, path, `should be a json path under ${where}`)]
  }
  const { labelSelectorPath = '' } = scale
  return [
    ...below('specReplicasPath', scale.specReplicasPath ?? '', ['.spec']),
    ...below('statusReplicasPath', scale.statusReplicasPath ?? '', ['.status']),
    ...(labelSelectorPath === '' ? [] : below('labelSelectorPath', labelSelectorPath, ['.spec', '.status'])),
  ]
}

interface Walked {
  readonly type?: unknown
  readonly properties?: Readonly<Record<string, Walked>>
}

function selectableErrors(field: string, version: DefinitionVersion): check.FieldErrors {
  const fields = version.selectableFields ?? []
  const seen = new Set<string>()
  const errors = fields.flatMap(({ jsonPath = '' }, index): check.FieldErrors => {
    const at = `${field}[${index}].jsonPath`
    if (jsonPath === '') return [check.required(at)]
    const names = /^(\.[^.[\]]+)+$/.test(jsonPath) ? jsonPath.slice(1).split('.') : []
    let here = version.schema?.openAPIV3Schema as Walked | undefined
    for (const name of names) here = here?.properties?.[name]
    if (names.length === 0) return [check.invalid(at, jsonPath, 'is an invalid path: does not refer to a valid field')]
    const isMeta = names[0] === 'metadata'
    if (here === undefined && !isMeta) return [check.invalid(at, jsonPath, 'is an invalid path: does not refer to a valid field')]
    const twice = seen.has(jsonPath)
    seen.add(jsonPath)
    const detail =
      'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
    return [
      ...(isMeta ? [check.invalid(at, jsonPath, 'must not point to fields in metadata')] : []),
      ...(isMeta || SELECTABLE_TYPES.includes(here?.type) ? [] : [check.invalid(at, jsonPath, detail)]),
      ...(twice ? [check.duplicate(at, jsonPath)] : []),
    ]
  })
  if (seen.size <= MOST_SELECTABLE_FIELDS) return errors
  const detail = `must have at most ${MOST_SELECTABLE_FIELDS} items`
  return [...errors, { type: 'TooMany', field, value: seen.size, detail }]
}
