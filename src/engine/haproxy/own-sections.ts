/** Sections of their own as texts that are known, so that one change costs one section's work. */
import { ownText } from './sections.ts'
import type { Wanted } from './wanted.ts'

export class OwnSections {
  /** By the name of its backend: that, and sections that its statements name. */
  private readonly all = new Map<string, readonly string[]>()

  takeAll(wanted: Wanted): void {
    this.all.clear()
    for (const name of wanted.own.keys()) this.take(wanted, name)
  }

  take(wanted: Wanted, name: string): void {
    if (wanted.own.has(name)) this.all.set(name, sectionsIn(textOf(wanted, name)))
    else this.all.delete(name)
  }

  /** Undefined for one that nobody has. */
  sectionsOf(wanted: Wanted, name: string): readonly string[] | undefined {
    return wanted.own.has(name) ? this.all.get(name) : undefined
  }

  get sections(): Iterable<readonly string[]> {
    return this.all.values()
  }
}

/** With its servers as they are now; '' for one that nobody has. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function textOf(wanted: Wanted, name: string): string {
  const section = wanted.own.get(name)
  return section === undefined ? '' : ownText(section.target, wanted.servers(name))
}

export function sectionsIn(text: string): readonly string[] {
  return text.split(/\n(?=\S)/).filter((one) => one !== '')
}

/** One after the other: what several of them name is there once. */
export function sectionsText(texts: Iterable<readonly string[]>): string {
  const all = new Set<string>()
  for (const sections of texts) for (const one of sections) all.add(one)
  return [...all].join('\n')
}
