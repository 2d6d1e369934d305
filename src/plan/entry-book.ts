/** Entries by key, and what became different of them since somebody asked. */
import type { Delta, Keyed } from '../model/plan.ts'

export class EntryBook<T extends Keyed> {
  readonly entries = new Map<string, T>()
  private readonly texts = new Map<string, string>()
  /** The text that each touched key had when the difference was last taken; undefined: it was not there. */
  private readonly before = new Map<string, string | undefined>()

  put(entry: T): void {
    const text = JSON.stringify(entry)
    if (this.texts.get(entry.key) === text) return
    this.touch(entry.key)
    this.texts.set(entry.key, text)
    this.entries.set(entry.key, entry)
  }

  remove(key: string): void {
    if (!this.entries.delete(key)) return
    this.touch(key)
    this.texts.delete(key)
  }

  takeDelta(): Delta<T> {
    const upserts: T[] = []
    const removals: string[] = []
    for (const [key, text] of this.before) {
      const entry = this.entries.get(key)
      if (this.texts.get(key) === text) continue
      if (entry === undefined) removals.push(key)
      else upserts.push(entry)
    }
    this.before.clear()
    return { upserts, removals }
  }

  private touch(key: string): void {
    if (!this.before.has(key)) this.before.set(key, this.texts.get(key))
  }
}
