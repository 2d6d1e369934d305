/** Findings by what was looked at, so that a new look replaces what the one before found. */
import type { Finding } from '../model/code.ts'

export class FindingBook {
  private readonly found = new Map<string, readonly Finding[]>()

  note(lookedAt: string, findings: readonly Finding[]): void {
    if (findings.length > 0) this.found.set(lookedAt, findings)
    else this.found.delete(lookedAt)
  }

  /** In an order that does not depend on that of looking. */
  get all(): readonly Finding[] {
    const identity = ({ subjects, message }: Finding) => `${subjects.join(' ')} ${message}`
    return [...this.found.values()].flat().sort((one, other) => (identity(one) < identity(other) ? -1 : 1))
  }
}
