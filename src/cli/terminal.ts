/** Where words go: the answer to standard output, everything else to standard error. */
import picocolors from 'picocolors'

/** What `-o` may be. */
export type Output = 'table' | 'json'
export type ColorChoice = 'auto' | 'always' | 'never'
export type Colors = ReturnType<typeof picocolors.createColors>

let choice: ColorChoice = 'auto'
let quiet = false

/** What `--color` and `--quiet` say. */
export function configureTerminal(options: { readonly color?: ColorChoice; readonly quiet?: boolean }): void {
  choice = options.color ?? 'auto'
  quiet = options.quiet ?? false
}

/** Colours for one stream: on a terminal only, unless --color says otherwise; NO_COLOR and TERM=dumb are respected. */
export function colorsFor(stream: NodeJS.WriteStream): Colors {
  const { NO_COLOR, TERM } = process.env
  const automatic = stream.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb'
  return picocolors.createColors(choice === 'always' || (choice === 'auto' && automatic))
}

/** The answer. A reader that has seen enough (`| head`) is no error. */
export function answer(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** The answer in the form that `-o` asks for: the value as JSON, or the same in words. */
export function answerAs(output: Output, value: unknown, words: () => string): void {
  answer(output === 'json' ? JSON.stringify(value, null, 2) : words())
}

/** What helps, and is no part of the answer; silent with --quiet. */
export function hint(text: string): void {
  if (!quiet) process.stderr.write(`${text}\n`)
}

/** Errors and findings: on standard error whatever the options are. */
export function complain(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** The words of routers and of users are shown, and do not steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
}

/** Rows in columns, two blanks apart, as kubectl prints them. The first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const [column, cell] of rows.flatMap((row) => [...row.entries()]))
    widths[column] = Math.max(widths[column] ?? 0, cell.length)
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  )
  return lines.map((line) => `${line}\n`).join('')
}

const SPIN_IN_MS = 100

/** Shows what is being done: one line that is rewritten on a terminal, one line a step elsewhere. */
export class Progress {
  #step = ''
  #since = 0
  #timer: NodeJS.Timeout | undefined

  readonly step = (text: string): void => {
    this.#finish()
    this.#step = text
    this.#since = performance.now()
    if (quiet) return
    if (process.stderr.isTTY) {
      this.#draw()
      this.#timer = setInterval(() => this.#draw(), SPIN_IN_MS)
    } else hint(`${text} ...`)
  }

  /** Clears the line: what was begun is done, or an error is printed next. */
  done(): void {
    this.#finish()
  }

  #draw(): void {
    const seconds = ((performance.now() - this.#since) / 1000).toFixed(1)
    process.stderr.write(`\r\x1b[K${colorsFor(process.stderr).dim(`${this.#step} ... ${seconds} s`)}`)
  }

  #finish(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    process.stderr.write('\r\x1b[K')
  }
}
