/** Field errors into the words and the Status body of a Kubernetes API server (apimachinery: field/errors.go, api/errors). */
import type { FieldError } from './kind.ts'

interface Wording {
  readonly title: string
  readonly reason: string
  /** Whether the value at fault is named. */
  readonly shows: boolean
}

const WORDING: Readonly<Record<FieldError['type'], Wording>> = {
  Required: { title: 'Required value', reason: 'FieldValueRequired', shows: false },
  Invalid: { title: 'Invalid value', reason: 'FieldValueInvalid', shows: true },
  NotSupported: { title: 'Unsupported value', reason: 'FieldValueNotSupported', shows: true },
  Duplicate: { title: 'Duplicate value', reason: 'FieldValueDuplicate', shows: true },
  Forbidden: { title: 'Forbidden', reason: 'FieldValueForbidden', shows: false },
  TooLong: { title: 'Too long', reason: 'FieldValueTooLong', shows: false },
  TooMany: { title: 'Too many', reason: 'FieldValueTooMany', shows: true },
  TypeInvalid: { title: 'Invalid value', reason: 'FieldValueTypeInvalid', shows: true },
  Internal: { title: 'Internal error', reason: 'InternalError', shows: false },
  NotFound: { title: 'Not found', reason: 'FieldValueNotFound', shows: true },
}

export interface StatusCause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** The body of a 422 answer. */
export interface InvalidStatus {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Record<string, never>
  readonly status: 'Failure'
  readonly message: string
  readonly reason: 'Invalid'
  readonly details: {
    readonly name?: string
    readonly group?: string
    readonly kind?: string
    readonly causes: readonly StatusCause[]
  }
  readonly code: 422
}

/** The sentence about one field, without its path: `Invalid value: 0: must be between 1 and 65535, inclusive`. */
export function fieldErrorDetail(error: FieldError): string {
  const { title, shows } = WORDING[error.type]
  const parts = [title]
  if (shows) parts.push(error.value === undefined ? 'null' : JSON.stringify(error.value))
  if (error.type === 'NotSupported' && error.supported !== undefined && error.supported.length > 0)
    parts.push(`supported values: ${error.supported.map((value) => JSON.stringify(value)).join(', ')}`)
  if (error.detail !== undefined && error.detail !== '') parts.push(error.detail)
  return parts.join(': ')
}

/** One cause of a Status. */
export function fieldErrorCause(error: FieldError): StatusCause {
  return { reason: WORDING[error.type].reason, message: fieldErrorDetail(error), field: error.field }
}

/** Several sentences as one: alone as it is, more of them in brackets, equal ones once. */
export function joinFieldErrors(errors: readonly FieldError[]): string {
  const sentences = [...new Set(errors.map((error) => `${error.field}: ${fieldErrorDetail(error)}`))]
  return sentences.length === 1 ? (sentences[0] ?? '') : `[${sentences.join(', ')}]`
}

/**
 * The Status for an object that is not valid. `kind` is qualified by its group outside the core group, as kubectl prints it.
 *
 * Order: causes stand in the order of the errors. Errors: `errors` must not be empty.
 */
export function invalidStatus(
  of: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): InvalidStatus {
  const qualified = of.group === '' ? of.kind : `${of.kind}.${of.group}`
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${qualified} ${JSON.stringify(name)} is invalid: ${joinFieldErrors(errors)}`,
    reason: 'Invalid',
    details: {
      ...(name === '' ? {} : { name }),
      ...(of.group === '' ? {} : { group: of.group }),
      ...(of.kind === '' ? {} : { kind: of.kind }),
      causes: errors.map(fieldErrorCause),
    },
    code: 422,
  }
}
