/** Addresses that another node is to announce from now on, kept until it does: a planned move leaves no moment without an owner. */
export class HandOver {
  private readonly longestInMs: number
  private readonly until = new Map<string, number>()

  /** `longestInMs`: an address is given up after that, heard of or not. */
  constructor(longestInMs: number) {
    this.longestInMs = longestInMs
  }

  /** Keys of what is kept. */
  get kept(): ReadonlySet<string> {
    return new Set(this.until.keys())
  }

  /** When the next one is given up; `Infinity`: none is kept. */
  get dueAtInMs(): number {
    return Math.min(...this.until.values())
  }

  keep(key: string, nowInMs: number): void {
    if (!this.until.has(key)) this.until.set(key, nowInMs + this.longestInMs)
  }

  /** Returns whether it was kept. */
  release(key: string): boolean {
    return this.until.delete(key)
  }

  /** Releases and returns those that were kept for too long. */
  takeOverdue(nowInMs: number): readonly string[] {
    const overdue = [...this.until].filter(([, untilInMs]) => untilInMs <= nowInMs).map(([key]) => key)
    for (const key of overdue) this.until.delete(key)
    return overdue
  }
}
