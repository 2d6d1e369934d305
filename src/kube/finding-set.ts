/** The findings of the moment: told when they have stood for a while, and when they are gone. */
import type { Logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'

export interface FindingSetOptions {
  readonly log: Logger
  /** How long a finding must stand before anyone is told: most pass while a rollout is under way. */
  readonly delayInMs: number
  /** Told once of each, after the delay. */
  readonly onShown?: (finding: Finding) => void
}

interface Standing {
  finding: Finding
  shown: boolean
  timer: NodeJS.Timeout
}

const LEVELS = { error: 'error', warning: 'warn', info: 'info' } as const

export class FindingSet {
  private readonly options: FindingSetOptions
  private readonly standing = new Map<string, Standing>()

  constructor(options: FindingSetOptions) {
    this.options = options
  }

  /** All that stand, shown or not, in a stable order. */
  get all(): readonly Finding[] {
    return [...this.standing.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { finding }]) => finding)
  }

  /** States the whole: what is not among `findings` any more is gone. */
  replace(findings: readonly Finding[]): void {
    const now = new Map(findings.map((finding) => [identityOf(finding), finding]))
    for (const [id, standing] of this.standing) if (!now.has(id)) this.remove(id, standing)
    for (const [id, finding] of now) {
      const known = this.standing.get(id)
      if (known !== undefined) known.finding = finding
      else this.add(id, finding)
    }
  }

  /** Forgets all without a word. */
  close(): void {
    for (const { timer } of this.standing.values()) clearTimeout(timer)
    this.standing.clear()
  }

  private add(id: string, finding: Finding): void {
    const timer = setTimeout(() => this.show(id), this.options.delayInMs)
    timer.unref()
    this.standing.set(id, { finding, shown: false, timer })
  }

  private show(id: string): void {
    const standing = this.standing.get(id)
    if (standing === undefined) return
    standing.shown = true
    const { code, subjects, message, fix } = standing.finding
    this.options.log[LEVELS[code.severity]]({ code: code.code, subjects, fix }, message)
    this.options.onShown?.(standing.finding)
  }

  private remove(id: string, { finding, shown, timer }: Standing): void {
    clearTimeout(timer)
    this.standing.delete(id)
    if (shown)
      this.options.log.info({ code: finding.code.code, subjects: finding.subjects }, `no longer so: ${finding.code.title}`)
  }
}

function identityOf(finding: Finding): string {
  return `${finding.code.code} ${finding.subjects.join(' ')}`
}
