/** The fenced blocks of the pages that users type from, and what their info strings say is to be done with them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/**
 * What a test does with a block:
 * - `sh run`, `sh run on HOST`: its lines are a script for the machine, or for a host of the lab; it must not fail.
 * - `console run`: lines after `$ ` are that script, the others what it must print.
 * - `yaml apply`: kubectl applies it, and its pods get Ready. `yaml topology`: it is one that `lab up -f` takes.
 * - `json image`: it is a file for the folder `images`, and pods run it.
 * - `... shown: WHY`: nothing, and why.
 */
export interface Block {
  readonly page: string
  /** The number of its first line. */
  readonly line: number
  readonly language: string
  /** What follows the language. */
  readonly mark: string
  readonly text: string
}

const MARKS: Readonly<Record<string, RegExp>> = {
  '': /^never$/,
  sh: /^(run( on [a-z0-9-]+)?|shown: \S.*)$/,
  console: /^(run|shown: \S.*)$/,
  yaml: /^(apply|topology|shown: \S.*)$/,
  json: /^(image|shown: \S.*)$/,
}

export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs/feature'))
    .toSorted()
    .map((file) => `docs/feature/${file}`),
]

/** The blocks of a page (a path from the root of the repository), in their order. */
export function readBlocks(page: string): readonly Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map((found) => {
    const [language = '', ...mark] = (found[1] ?? '').split(' ')
    const line = text.slice(0, found.index).split('\n').length + 1
    return { page, line, language, mark: mark.join(' '), text: found[2] ?? '' }
  })
}

/** Whether a test knows what to do with a block; blocks of other languages are no concern of it. */
export function isMarked({ language, mark }: Block): boolean {
  return MARKS[language]?.test(mark) ?? true
}
