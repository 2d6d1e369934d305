/** A schema, compiled once for all the objects of its version. */
import type { FieldError } from '../kind.ts'
import { defaultValue } from './defaults.ts'
import { embeddedErrors } from './embedded.ts'
import { duplicates } from './list-type.ts'
import { openApiOf } from './open-api.ts'
import { pruneObject } from './prune.ts'
import { fieldsOf } from './topology.ts'
import type { CompiledSchema, StructuralSchema } from './types.ts'
import { compileValues } from './values.ts'

/** Compiles a schema that `schemaErrors` has nothing against. */
export function compileSchema(schema: StructuralSchema): CompiledSchema {
  const values = compileValues(schema)
  const validate = (object: unknown, old?: unknown): readonly FieldError[] => {
    const known = old !== undefined && duplicates(schema, old, '').length > 0
    return [
      ...values(object, '', old).errors,
      ...embeddedErrors(schema, object, ''),
      ...(known ? [] : duplicates(schema, object, '')),
    ]
  }
  return {
    prune: (object) => pruneObject(schema, object),
    applyDefaults: <T extends object>(object: T) => defaultValue(schema, object) as T,
    validate,
    fields: (name) => fieldsOf(schema, name),
    openApi: () => openApiOf(schema),
  }
}
