/** Maps as HAProxy reads them when it starts: whole files, of lines that are known, so that one key costs one line's work. */
import type { Directory } from './directory.ts'
import { writeText } from './files.ts'
import { mapFile } from './maps.ts'
import type { Wanted } from './wanted.ts'

export class MapFiles {
  private readonly directory: Directory
  /** By the text of a map: the line of each key. */
  private readonly linesOf = new Map<string, Map<string, string>>()

  constructor(directory: Directory) {
    this.directory = directory
  }

  async writeAll(wanted: Wanted): Promise<void> {
    this.linesOf.clear()
    for (const [text, { rules }] of wanted.form.maps) await this.write(wanted, text, rules.keys())
  }

  /** Writes a map of which these keys may be different. */
  async write(wanted: Wanted, text: string, keys: Iterable<string>): Promise<void> {
    const map = wanted.form.maps.get(text)
    if (map === undefined) return
    const lines = this.linesOf.get(text) ?? new Map<string, string>()
    this.linesOf.set(text, lines)
    for (const key of keys) {
      const value = wanted.valueOf(text, key)
      if (value === undefined) lines.delete(key)
      else lines.set(key, `${key} ${value}\n`)
    }
    await writeText(mapFile(this.directory, map.id), [...lines.values()].join(''))
  }
}
