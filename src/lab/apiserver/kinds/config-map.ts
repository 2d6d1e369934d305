import type { RawObject } from '../kind.ts'
import { configKey, type FieldErrors, forbidden, invalid, sameJson } from './check.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

interface ConfigMap extends RawObject {
  data?: Record<string, string>
  binaryData?: Record<string, string>
  immutable?: boolean
}

const IMMUTABLE = 'field is immutable when `immutable` is set'

/** What `immutable` forbids to change. */
export function immutableErrors(object: RawObject, old: RawObject | undefined, fields: readonly string[]): FieldErrors {
  if (old?.immutable !== true) return []
  return [
    ...(object.immutable === true ? [] : [forbidden('immutable', IMMUTABLE)]),
    ...fields.filter((field) => !sameJson(object[field], old[field])).map((field) => forbidden(field, IMMUTABLE)),
  ]
}

function validate(object: RawObject, old: RawObject | undefined): FieldErrors {
  const { data = {}, binaryData = {} } = object as ConfigMap
  return [
    ...Object.keys(data).flatMap((key) => configKey(`data[${key}]`, key)),
    ...Object.keys(binaryData).flatMap((key) => configKey(`binaryData[${key}]`, key)),
    ...Object.keys(data)
      .filter((key) => key in binaryData)
      .map((key) => invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...immutableErrors(object, old, ['data', 'binaryData']),
  ]
}

export const configMap = defineKind({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.ConfigMap',
  createsOnUpdate: false,
  validate,
  columns: [
    nameColumn,
    column('Data', 'string', 'api.core.v1.ConfigMap.data', (object) => {
      const { data = {}, binaryData = {} } = object as ConfigMap
      return Object.keys(data).length + Object.keys(binaryData).length
    }),
    ageColumn,
  ],
})
