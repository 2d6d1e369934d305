/** Label and field selectors, as the API writes them (apimachinery pkg/labels, pkg/fields). */
import type { KindRecord, RawObject } from './kind.ts'
import { badRequest } from './status.ts'

export type Matcher = (object: RawObject) => boolean

export interface Selector {
  readonly matches: Matcher
  /** False when everything matches. */
  readonly selects: boolean
  /** The one name that can match, when a field selector says so. */
  readonly name?: string
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean

const SET = /^(?<key>[^\s!=<>,()]+)\s+(?<operator>in|notin)\s*\((?<values>[^()]*)\)$/
const COMPARE = /^(?<key>[^\s!=<>,()]+)\s*(?<operator>==|=|!=|>|<)\s*(?<value>[^\s!=<>,()]*)$/
const EXISTS = /^(?<not>!?)\s*(?<key>[^\s!=<>,()]+)$/

/** Splits at commas that stand outside brackets. */
function requirements(text: string): readonly string[] {
  return text.match(/(?:[^,(]|\([^)]*\)?)+/g)?.map((part) => part.trim()) ?? []
}

function labelTest(requirement: string): LabelTest {
  const set = SET.exec(requirement)?.groups
  if (set !== undefined) {
    const { key = '', operator, values = '' } = set
    const wanted = new Set(values.split(',').map((value) => value.trim()))
    return operator === 'in'
      ? (labels) => key in labels && wanted.has(labels[key] ?? '')
      : (labels) => !(key in labels && wanted.has(labels[key] ?? ''))
  }
  const compare = COMPARE.exec(requirement)?.groups
  if (compare !== undefined) return comparison(compare.key ?? '', compare.operator ?? '', compare.value ?? '')
  const exists = EXISTS.exec(requirement)?.groups
  if (exists === undefined) throw badRequest(`unable to parse requirement: found '${requirement}', expected: identifier`)
  const { not, key = '' } = exists
  return (labels) => key in labels === (not === '')
}

function comparison(key: string, operator: string, value: string): LabelTest {
  if (operator === '!=') return (labels) => labels[key] !== value
  if (operator === '>' || operator === '<') {
    const bound = Number.parseInt(value, 10)
    return (labels) => key in labels && (operator === '>' ? Number(labels[key]) > bound : Number(labels[key]) < bound)
  }
  return (labels) => labels[key] === value
}

interface FieldTest {
  readonly field: string
  readonly value: string
  readonly equal: boolean
}

function fieldTest(term: string): FieldTest {
  const match = /^(?<field>[^=!]+)(?<operator>==|=|!=)(?<value>.*)$/.exec(term)?.groups
  if (match === undefined) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
  const { field = '', operator, value = '' } = match
  return { field, equal: operator !== '!=', value: value.replaceAll(/\\(.)/g, '$1') }
}

/** What a field selector compares: metadata.name and metadata.namespace everywhere, and what the record lists. */
function fieldReader(record: KindRecord, field: string): (object: RawObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name ?? ''
  if (field === 'metadata.namespace' && record.namespaced) return (object) => object.metadata.namespace ?? ''
  const reader = Object.hasOwn(record.selectableFields, field) ? record.selectableFields[field] : undefined
  if (reader === undefined) throw badRequest(`field label not supported: ${field}`)
  return reader
}

/** Reads both selectors of a request. @throws {ApiError} 400 when one cannot be read or names a field that cannot be selected */
export function parseSelector(record: KindRecord, labelSelector: string, fieldSelector: string): Selector {
  const labels = requirements(labelSelector)
    .filter((part) => part !== '')
    .map(labelTest)
  const terms = (fieldSelector.match(/(?:[^,\\]|\\.)+/g) ?? []).map((term) => fieldTest(term.trim()))
  const fields = terms.map(({ field, value, equal }) => {
    const read = fieldReader(record, field)
    return (object: RawObject) => (read(object) === value) === equal
  })
  const name = terms.find((term) => term.field === 'metadata.name' && term.equal)?.value
  return {
    selects: labels.length + fields.length > 0,
    matches: (object) => labels.every((test) => test(object.metadata.labels ?? {})) && fields.every((test) => test(object)),
    ...(name === undefined ? {} : { name }),
  }
}
