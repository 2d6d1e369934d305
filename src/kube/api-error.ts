/** Errors of the API client: each is a FairwayError, so that it has a code, a sentence and a fix. */
import { TransportError } from '../http/client.ts'
import { type Code, FairwayError } from '../model/code.ts'
import {
  KUBE_API_FORBIDDEN,
  KUBE_API_REFUSED,
  KUBE_API_UNAUTHORIZED,
  KUBE_API_UNREACHABLE,
  KUBE_API_UNTRUSTED,
} from '../model/codes/kube.ts'
import type { Status, StatusCause } from './types.ts'

/** The API server answered, and refused. `reason` is the machine-readable one (`NotFound`, `Conflict`, ...), '' if none. */
export class ApiError extends FairwayError {
  readonly httpStatus: number
  readonly reason: string
  readonly causes: readonly StatusCause[]
  readonly status: Status
  /** What Retry-After asked for; 0 when it did not. */
  readonly retryAfterInMs: number

  constructor(httpStatus: number, status: Status, detail: { readonly request: string; readonly retryAfterInMs?: number }) {
    super(codeOf(httpStatus), `${detail.request}: ${status.message || `the API server answered ${httpStatus}`}`)
    this.httpStatus = httpStatus
    this.reason = status.reason ?? ''
    this.causes = status.details?.causes ?? []
    this.status = status
    this.retryAfterInMs = detail.retryAfterInMs ?? 0
  }
}

function codeOf(httpStatus: number): Code {
  if (httpStatus === 401) return KUBE_API_UNAUTHORIZED
  return httpStatus === 403 ? KUBE_API_FORBIDDEN : KUBE_API_REFUSED
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.httpStatus === 404
}

export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.httpStatus === 403
}

/** The resourceVersion was not the newest: read again and repeat. (AlreadyExists has the same status and is not meant.) */
export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.httpStatus === 409 && error.reason !== 'AlreadyExists'
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.reason === 'AlreadyExists'
}

/** The resourceVersion is too old for the server: list anew. */
export function isExpired(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.httpStatus === 410 || error.reason === 'Expired' || error.reason === 'Gone')
}

/** A resourceVersion of the server's future: it lost its past. Source: apimachinery pkg/api/errors, causes of a Timeout. */
export function isTooNew(status: Status): boolean {
  const causes = status.details?.causes ?? []
  return (
    causes.some((cause) => cause.reason === 'ResourceVersionTooLarge') || /too large resource version/i.test(status.message ?? '')
  )
}

/** Puts a sentence and a code to a request that had no answer. */
export function unreachable(error: TransportError, server: string): FairwayError {
  const code = error.failure === 'untrusted' ? KUBE_API_UNTRUSTED : KUBE_API_UNREACHABLE
  const what = error.failure === 'untrusted' ? 'is not to be trusted' : 'gives no answer'
  return new FairwayError(code, `The API server at ${server} ${what}: ${error.message}.`, { cause: error })
}

/** Whether the caller's own AbortSignal ended the request. */
export function isAborted(error: unknown): boolean {
  if (error instanceof FairwayError) return isAborted(error.cause)
  return (
    (error instanceof TransportError && error.failure === 'aborted') || (error instanceof Error && error.name === 'AbortError')
  )
}
