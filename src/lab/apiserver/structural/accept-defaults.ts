/** Whether the defaults of a schema fit it. Source: apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go. */
import type { FieldError } from '../kind.ts'
import { invalid } from '../kinds/check.ts'
import { embeddedErrors } from './embedded.ts'
import { child, key, NO_FIELD } from './path.ts'
import { pruneValue } from './prune.ts'
import type { StructuralSchema } from './types.ts'
import { equal } from './value.ts'
import { compileValues } from './values.ts'

/** Every default must have known fields only and be valid. Those of additionalProperties are forbidden elsewhere. */
export function defaultErrors(schema: StructuralSchema, path: string): readonly FieldError[] {
  const given = schema.default
  return [
    ...(given === undefined || given === null ? [] : oneDefault(schema, given, child(path, 'default'))),
    ...(schema.items === undefined ? [] : defaultErrors(schema.items, child(path, 'items'))),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      defaultErrors(property, key(child(path, 'properties'), name)),
    ),
  ]
}

function oneDefault(schema: StructuralSchema, given: unknown, path: string): readonly FieldError[] {
  const unknown = equal(pruneValue(schema, given, '', []), given) ? [] : [invalid(path, given, 'must not have unknown fields')]
  const embedded = embeddedErrors(schema, given, path)
  if (embedded.length > 0) return [...unknown, ...embedded]
  // kube-openapi knows the path within the default only; its errors are put below the default's path.
  const errors = compileValues(schema)(given, '').errors
  return [...unknown, ...errors.map((error) => ({ ...error, field: error.field === NO_FIELD ? path : child(path, error.field) }))]
}
