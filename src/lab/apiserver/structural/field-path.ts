/** Paths that rules name fields by. Source: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go (ValidFieldPath). */
import type { StructuralSchema } from './types.ts'
import { own } from './value.ts'

const STEP = /^(?:\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\])/

/** Whether a path such as `.spec.ports` or `['x.y']` leads to a field of a schema; there are no indices. */
export function fieldPathExists(schema: StructuralSchema, path: string): boolean {
  let rest = path
  let here: StructuralSchema | undefined = schema
  while (rest !== '') {
    const match: RegExpExecArray | null = STEP.exec(rest)
    if (match === null || here === undefined) return false
    const name = match[1] ?? (match[2] ?? '').replaceAll(/\\(.)/g, '$1')
    here = here.properties !== undefined ? own(here.properties, name) : mapItem(here)
    rest = rest.slice(match[0].length)
  }
  return here !== undefined
}

const mapItem = (schema: StructuralSchema): StructuralSchema | undefined =>
  typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
