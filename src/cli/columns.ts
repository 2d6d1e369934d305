/** Tables of rows: what a column shows, how wide it is, and in which colour. */
import { type Colors, printable } from './terminal.ts'

/** What a cell says of its matter; a sign in its text says the same to who sees no colours. */
export type Tone = 'good' | 'off' | 'degraded' | 'doubtful' | 'bad'

/** A sign for each tone: a reader without colours sees the same. */
export const SIGNS: Readonly<Record<Tone, string>> = { good: 'ok', off: '-', degraded: '!', doubtful: '?', bad: 'x' }

export interface Column<T> {
  readonly title: string
  /** What stands in a row, without colours; '' is shown as a dash. `nowInMs` is for ages. */
  readonly cell: (row: T, nowInMs: number) => string
  readonly tone?: (row: T) => Tone | undefined
  /** Shown by `-o wide` only. */
  readonly wide?: boolean
}

const PAINT: Readonly<Record<Tone, (colors: Colors, text: string) => string>> = {
  good: (colors, text) => colors.green(text),
  off: (colors, text) => colors.dim(text),
  degraded: (colors, text) => colors.yellow(text),
  doubtful: (colors, text) => colors.yellow(text),
  bad: (colors, text) => colors.red(text),
}

/**
 * Lays rows out under a heading, three blanks apart. Rows that are added later keep to the columns that are there; one that needs more
 * room gets it, and so do those after it.
 */
export class Grid<T> {
  readonly #columns: readonly Column<T>[]
  readonly #colors: Colors
  readonly #widths: number[]

  constructor(columns: readonly Column<T>[], colors: Colors) {
    this.#columns = columns
    this.#colors = colors
    this.#widths = columns.map(({ title }) => title.length)
  }

  heading(): string {
    return this.#line(this.#columns.map(({ title }) => title))
  }

  /** Makes room for these before the heading is written. */
  fit(rows: readonly T[], nowInMs: number): void {
    for (const row of rows) this.#widen(this.#cells(row, nowInMs))
  }

  row(row: T, nowInMs: number): string {
    const cells = this.#cells(row, nowInMs)
    this.#widen(cells)
    return this.#line(
      cells,
      this.#columns.map(({ tone }) => tone?.(row)),
    )
  }

  #cells(row: T, nowInMs: number): readonly string[] {
    return this.#columns.map(({ cell }) => printable(cell(row, nowInMs)) || '-')
  }

  #widen(cells: readonly string[]): void {
    for (const [at, cell] of cells.entries()) this.#widths[at] = Math.max(this.#widths[at] ?? 0, cell.length)
  }

  /** Blanks stand outside of the colours, and none at the end of the line. */
  #line(cells: readonly string[], tones: readonly (Tone | undefined)[] = []): string {
    const shown = cells.map((text, at) => {
      const tone = tones[at]
      const blanks = at === cells.length - 1 ? '' : ' '.repeat((this.#widths[at] ?? 0) - text.length)
      return (tone === undefined ? text : PAINT[tone](this.#colors, text)) + blanks
    })
    return shown.join('   ')
  }
}

/** As kubectl writes ages, in the largest unit that says enough; '' for a time that is none. */
export function ageOf(time: string, nowInMs: number): string {
  const sinceInMs = Date.parse(time)
  return Number.isNaN(sinceInMs) ? '' : age(nowInMs - sinceInMs)
}

export function age(ageInMs: number): string {
  const seconds = Math.max(0, Math.floor(ageInMs / 1_000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
