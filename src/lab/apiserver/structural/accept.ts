/** Whether apiextensions takes a schema as `openAPIV3Schema`. Source: apiextensions-apiserver pkg/apis/apiextensions/validation. */
import { isMap } from '../json.ts'
import type { FieldError } from '../kind.ts'
import { defaultErrors } from './accept-defaults.ts'
import { keywordErrors } from './accept-keywords.ts'
import { ruleErrors } from './accept-rules.ts'
import { completeness, invariants } from './accept-structure.ts'
import { readSchema } from './read.ts'

/**
 * What is wrong with a schema, in the words of a Kubernetes API server. `path` is where it stands, such as
 * `spec.versions[0].schema.openAPIV3Schema`.
 *
 * Order: structure, defaults (when the structure is right), keywords; rules are compiled when all else is right. Errors: never throws.
 */
export function schemaErrors(schema: unknown, path: string): readonly FieldError[] {
  if (!isMap(schema)) return [{ type: 'Required', field: path, detail: 'schemas are required' }]
  const { schema: root, errors: unread } = readSchema(schema, path)
  if (unread.length > 0) return unread
  const nullable: readonly FieldError[] =
    root.nullable === true
      ? [{ type: 'Forbidden', field: `${path}.nullable`, detail: 'nullable cannot be true at the root' }]
      : []
  const structure = [...invariants(root, path), ...completeness(root, path)]
  const wrong = structure.length > 0 ? sorted(structure) : defaultErrors(root, path)
  const keywords = keywordErrors(root, path)
  const errors = [...nullable, ...wrong, ...keywords]
  return errors.length > 0 ? errors : ruleErrors(root, path)
}

const sorted = (errors: readonly FieldError[]): readonly FieldError[] =>
  errors.toSorted((left, right) => (left.field < right.field ? -1 : left.field > right.field ? 1 : 0))
