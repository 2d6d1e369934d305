/** Structural schemas in one place: accepting one, and compiling it. */
export { schemaErrors } from './accept.ts'
export { compileSchema } from './compile.ts'
export type { CompiledSchema, StructuralSchema, ValidationRule } from './types.ts'
