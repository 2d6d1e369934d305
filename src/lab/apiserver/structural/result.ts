/** What a check of one value found. Source: kube-openapi pkg/validation/validate/result.go. */
import type { FieldError } from '../kind.ts'

/**
 * Errors, and how many checks were made along the way: of several schemas of which none fits, the errors of the one that was
 * checked the most are told.
 */
export class Result {
  readonly errors: FieldError[] = []
  checks = 0

  add(...errors: readonly FieldError[]): void {
    this.errors.push(...errors)
  }

  merge(other: Result): void {
    this.errors.push(...other.errors)
    this.checks += other.checks
  }
}
