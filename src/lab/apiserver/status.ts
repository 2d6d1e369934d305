/** Answers that are not objects: the Status bodies of a Kubernetes API server, in its words (apimachinery pkg/api/errors). */
import { type InvalidStatus, invalidStatus, type StatusCause } from './field-error.ts'
import type { FieldError, KindRecord } from './kind.ts'

export interface StatusBody {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Record<string, never>
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: string
  readonly details?: {
    readonly name?: string
    readonly group?: string
    readonly kind?: string
    readonly uid?: string
    readonly causes?: readonly Partial<StatusCause>[]
    readonly retryAfterSeconds?: number
  }
  readonly code?: number
}

/** What a request handler throws to answer with a Status of its code. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: StatusBody | InvalidStatus

  constructor(status: StatusBody | InvalidStatus) {
    super(status.message ?? status.reason ?? 'failed')
    this.status = status
  }

  get code(): number {
    return this.status.code ?? 500
  }
}

type Named = Pick<KindRecord, 'group' | 'plural'>
type Details = NonNullable<StatusBody['details']>

function failure(code: number, reason: string, message: string, details?: Details): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  })
}

const detailsOf = (of: Named, name: string): Details => ({
  name,
  ...(of.group === '' ? {} : { group: of.group }),
  kind: of.plural,
})
const qualified = (of: Named): string => (of.group === '' ? of.plural : `${of.plural}.${of.group}`)

export const notFound = (of: Named, name: string): ApiError =>
  failure(404, 'NotFound', `${qualified(of)} "${name}" not found`, detailsOf(of, name))

export const alreadyExists = (of: Named, name: string): ApiError =>
  failure(409, 'AlreadyExists', `${qualified(of)} "${name}" already exists`, detailsOf(of, name))

/** A write that lost against another. `why` defaults to the words for a stale resourceVersion. */
export const conflict = (
  of: Named,
  name: string,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
): ApiError =>
  failure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`, detailsOf(of, name))

export const forbidden = (of: Named, name: string, why: string, causes: readonly StatusCause[] = []): ApiError =>
  failure(403, 'Forbidden', `${qualified(of)} "${name}" is forbidden: ${why}`, {
    ...detailsOf(of, name),
    ...(causes.length === 0 ? {} : { causes }),
  })

export const invalid = (of: Pick<KindRecord, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): ApiError =>
  new ApiError(invalidStatus(of, name, errors))

/** Wrong query parameters: `kind` is ListOptions, PatchOptions, ... */
export const invalidOptions = (kind: string, errors: readonly FieldError[]): ApiError =>
  invalid({ group: 'meta.k8s.io', kind }, '', errors)

export const badRequest = (message: string): ApiError => failure(400, 'BadRequest', message)

/** An error of the server itself; `reason` is empty where the real server has none. */
export const internal = (message: string, reason = ''): ApiError => failure(500, reason, message)

/** As `InternalError` of a real server: the cause stands in the details as well. */
export const internalError = (message: string): ApiError =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })

export const unauthorized = (): ApiError => failure(401, 'Unauthorized', 'Unauthorized')

export const unknownResource = (): ApiError => failure(404, 'NotFound', 'the server could not find the requested resource', {})

export const methodNotAllowed = (why = 'the server does not allow this method on the requested resource'): ApiError =>
  failure(405, 'MethodNotAllowed', why, {})

export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

export const unsupportedPatch = (): ApiError => failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})

/** A JSON patch that cannot be applied: the real server says no more than this. */
export const patchRejected = (): ApiError =>
  failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {})

export const notAcceptable = (offered: readonly string[]): ApiError =>
  failure(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${offered.join(', ')}`, {})

export const expired = (message: string): ApiError => failure(410, 'Expired', message)

export const tooLargeVersion = (asked: number, current: number): ApiError =>
  failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })

export const tooManyRequests = (message: string, cause: Partial<StatusCause>): ApiError =>
  failure(429, 'TooManyRequests', message, { causes: [cause] })

export const applyConflict = (message: string, causes: readonly StatusCause[]): ApiError =>
  failure(409, 'Conflict', message, { causes })

export const tooLarge = (): ApiError => failure(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728')

/** What DELETE answers for kinds that do not answer the object. */
export const deleted = (of: Named, name: string, uid: string): StatusBody => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { ...detailsOf(of, name), uid },
})
