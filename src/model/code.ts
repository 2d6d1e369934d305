/** Coded errors and findings: every failure that a person may see has a number, a sentence and a fix. */

export type Severity = 'error' | 'warning' | 'info'

/**
 * One entry of the registry (`codes/`), matched by a section of docs/reference/codes.md.
 *
 * Shape: `code` is `FW` and four digits, stable for ever; `name` is `AREA_REASON`; `title` is a short noun phrase;
 * `cause` says when it happens and `fix` what to type or change, both whole sentences.
 */
export interface Code {
  readonly code: `FW${string}`
  readonly name: string
  readonly severity: Severity
  readonly title: string
  readonly cause: string
  readonly fix: string
}

/** What a `FairwayError` may carry beside its code and sentence. */
export interface ErrorDetail {
  /** The field or flag at fault, as the user wrote it. */
  readonly field?: string
  /** What to do about it here, when the code's own fix is too general. */
  readonly fix?: string
  readonly cause?: unknown
}

/** An error with a code. `message` is a whole sentence about this very case. */
export class FairwayError extends Error {
  override readonly name = 'FairwayError'
  readonly code: Code
  readonly field: string | undefined
  readonly fix: string

  constructor(code: Code, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.field = detail.field
    this.fix = detail.fix ?? code.fix
  }
}

/**
 * Something true of the cluster that a person should know.
 *
 * Shape: `subjects` are the objects it is about, as `kind/namespace/name`, sorted; `message` is a whole sentence.
 * Two findings with the same `code` and `subjects` are one.
 */
export interface Finding {
  readonly code: Code
  readonly subjects: readonly string[]
  readonly message: string
  readonly fix: string
}
