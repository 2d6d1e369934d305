/** What sections of slots have in common: the statements of a policy. A target finds a slot of its shape ready, or a reload makes some. */
import { FairwayError } from '../../model/code.ts'
import type { L7Policy } from '../../model/l7-policy.ts'
import { policyLines, policySections } from './policy.ts'
import { phrase, section, type Words } from './syntax.ts'

/** A policy as text; '' for one that says nothing. */
export function shapeOf(policy: L7Policy): string {
  return Object.keys(policy).length === 0 ? '' : JSON.stringify(policy)
}

interface Shape {
  readonly lines: readonly Words[]
  /** Sections that the lines name. */
  readonly sections: readonly string[]
  /** All of it, as a configuration. */
  readonly text: string
}

export class Shapes {
  private readonly written = new Map<string, Shape>()
  private readonly refused = new Map<string, string>()

  /** Why no section can have it; '' when one can. */
  refusalOf(shape: string): string {
    const known = this.refused.get(shape)
    if (known !== undefined || this.written.has(shape)) return known ?? ''
    try {
      this.write(shape)
    } catch (error) {
      if (!(error instanceof FairwayError)) throw error
      this.refused.set(shape, error.message)
    }
    return this.refused.get(shape) ?? ''
  }

  /** HAProxy does not take it. */
  refuse(shape: string, reason: string): void {
    this.refused.set(shape, reason)
  }

  get refusals(): ReadonlyMap<string, string> {
    return this.refused
  }

  linesOf(shape: string): readonly Words[] {
    return this.write(shape).lines
  }

  sectionsOf(shape: string): readonly string[] {
    return this.write(shape).sections
  }

  textOf(shape: string): string {
    return this.write(shape).text
  }

  private write(shape: string): Shape {
    const known = this.written.get(shape)
    if (known !== undefined) return known
    const policy: L7Policy = shape === '' ? {} : JSON.parse(shape)
    const lines = policyLines(policy)
    const sections = policySections(policy)
    const one = { lines, sections, text: [...sections, section(phrase`backend shape`, lines)].join('\n') }
    this.written.set(shape, one)
    return one
  }
}
