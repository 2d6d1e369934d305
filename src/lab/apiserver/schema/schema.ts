/** The schema side of the API server in one place: decoding, and what merging asks of fields. */
export { decodeFailure, decodeStrict, strictFailure } from './decode.ts'
export { type FieldMeta, fieldMeta, type ObjectMeta, objectMeta } from './types.ts'
