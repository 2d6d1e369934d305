/** A schema, compiled once for all the objects of its version. */
import type { FieldError } from '../kind.ts'
import { compileRules } from './cel/rules.ts'
import { defaultValue } from './defaults.ts'
import { embeddedErrors } from './embedded.ts'
import { duplicates } from './list-type.ts'
import { openApiOf } from './open-api.ts'
import { NO_FIELD } from './path.ts'
import { pruneObject } from './prune.ts'
import { readSchema } from './read.ts'
import { fieldsOf } from './topology.ts'
import type { CompiledSchema, StructuralSchema } from './types.ts'
import { compileValues } from './values.ts'

/** Errors after which rules may meet values that they do not expect. */
const BLOCKING: ReadonlySet<FieldError['type']> = new Set(['NotSupported', 'Required', 'TooLong', 'TooMany', 'TypeInvalid'])
const UNCHECKED: FieldError = {
  type: 'Invalid',
  field: NO_FIELD,
  detail:
    'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
}

/** Compiles a schema that `schemaErrors` has nothing against. */
export function compileSchema(given: StructuralSchema): CompiledSchema {
  const { schema } = readSchema(given, '')
  const values = compileValues(schema)
  // Many schemas are compiled again before an object comes (their definition got a condition): rules wait until one does.
  let rules: { readonly ask: ReturnType<typeof compileRules> } | undefined
  const validate = (object: unknown, old?: unknown): readonly FieldError[] => {
    const known = old !== undefined && duplicates(schema, old, '').length > 0
    const errors = [
      ...values(object, '', old).errors,
      ...embeddedErrors(schema, object, ''),
      ...(known ? [] : duplicates(schema, object, '')),
    ]
    rules ??= { ask: compileRules(schema) }
    if (rules.ask === undefined) return errors
    return errors.some(({ type }) => BLOCKING.has(type)) ? [...errors, UNCHECKED] : [...errors, ...rules.ask(object, old)]
  }
  return {
    prune: (object) => pruneObject(schema, object),
    applyDefaults: <T extends object>(object: T) => defaultValue(schema, object) as T,
    validate,
    fields: (name) => fieldsOf(schema, name),
    openApi: () => openApiOf(schema),
  }
}
