/** What every kind's record is made with: the parts that most kinds leave out, and the columns that all have. */
import type { Column, KindRecord, RawObject } from '../kind.ts'
import { describe } from '../openapi/schemas.ts'
import { since } from './duration.ts'

type Optional =
  | 'shortNames'
  | 'categories'
  | 'subresources'
  | 'countsGeneration'
  | 'selectableFields'
  | 'defaults'
  | 'validate'
  | 'singular'

/** A record with the usual for what `parts` leaves out; `singular` is the kind in lower case. */
export function defineKind(parts: Omit<KindRecord, Optional> & Partial<Pick<KindRecord, Optional>>): KindRecord {
  return {
    singular: parts.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    subresources: [],
    countsGeneration: false,
    selectableFields: {},
    defaults: () => undefined,
    validate: () => [],
    ...parts,
  }
}

export type Cell = (object: RawObject, nowInMs: number) => string | number | boolean | null

/** A column; `doc` is a sentence, or `Schema.field` of io.k8s.api to take the field's own. */
export function column(name: string, type: Column['type'], doc: string, value: Cell): Column {
  return { name, type, description: documentation(doc), value }
}

/** A column that `-o wide` shows. */
export function wide(name: string, type: Column['type'], doc: string, value: Cell): Column {
  return { ...column(name, type, doc, value), priority: 1 }
}

function documentation(doc: string): string {
  const [, schema, field] = /^([a-z0-9.]+\.[A-Z]\w*)\.(\w+)$/.exec(doc) ?? []
  return schema === undefined || field === undefined ? doc : describe(`io.k8s.${schema}`, field)
}

export const nameColumn: Column = {
  ...column('Name', 'string', 'apimachinery.pkg.apis.meta.v1.ObjectMeta.name', (object) => object.metadata.name ?? ''),
  format: 'name',
}

export const ageColumn: Column = column(
  'Age',
  'string',
  'apimachinery.pkg.apis.meta.v1.ObjectMeta.creationTimestamp',
  (object, nowInMs) => since(object.metadata.creationTimestamp, nowInMs),
)

/** A map as `key=value,key=value`, sorted; `<none>` when empty. */
export function selectorText(map: unknown): string {
  const pairs = Object.entries((map ?? {}) as Record<string, string>).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.toSorted().join(',')
}
