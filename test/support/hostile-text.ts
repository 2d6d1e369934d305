/** Texts that try to be more than a word: what ends quotes, words, lines and statements, near directives. */
import { drawsFrom } from './draws.ts'

/** Every word of a configuration that has it must be a whole value of a user's. */
export const CANARY = 'CANARY'

/** Of printable ASCII, so that what reads user's values lets some of them pass. */
const VISIBLE = [
  ...[
    "'",
    '"',
    '\\',
    '#',
    ';',
    '{',
    '}',
    ' }',
    '$',
    '`',
    '%',
    '%[src]',
    '%[',
    ']',
    '(',
    ')',
    '|',
    '*',
    '.',
    '..',
    '/',
    '=',
    ':',
    ',',
    '-',
    '--',
  ],
  ...[
    ` ${CANARY} `,
    CANARY,
    `' ${CANARY} '`,
    `" ${CANARY} "`,
    `\\' ${CANARY}`,
    `#${CANARY}`,
    `/${CANARY}/`,
    '-m',
    ' if ',
    ' || ',
    '$HOME',
    '"$HOME"',
  ],
  ...['a', 'x.y', '/path', '10.0.0.1', '0'],
]
const HIDDEN = [
  ...['\n', '\r', '\r\n', '\t', '\0', '\u2028', '\u0085', '\u001b', '\u00a0', 'ü', '中', '😀', '\ud800', '\u202e', 'K'],
  ...[
    `\n  http-request return status 299 # ${CANARY}\n`,
    `\nbackend ${CANARY}\n  server s 127.0.0.1:1\n`,
    `\r\nglobal\r\n  user ${CANARY}\r\n`,
  ],
]
const MOST_PARTS = 6

export class HostileText {
  /** How many were made. */
  made = 0
  readonly draw: (below: number) => number

  constructor(seed: number) {
    this.draw = drawsFrom(seed)
  }

  pick<T>(all: readonly T[]): T {
    return all[this.draw(all.length)] as T
  }

  /** Whether, in so many of a hundred. */
  in100(chances: number): boolean {
    return this.draw(100) < chances
  }

  /** Anything, or printable ASCII alone. */
  text(): string {
    this.made++
    const isPrintable = this.in100(60)
    const parts = Array.from({ length: 1 + this.draw(MOST_PARTS) }, () =>
      this.pick(isPrintable || this.in100(60) ? VISIBLE : HIDDEN),
    )
    return parts.join('')
  }

  /** One that is good, one with something in it, or anything. */
  or(...good: readonly string[]): string {
    const chance = this.draw(100)
    const one = this.pick(good)
    if (chance < 75) return one
    if (chance < 85) return this.text()
    const at = this.draw(one.length + 1)
    return `${one.slice(0, at)}${this.text()}${one.slice(at)}`
  }

  /** So many, of what `make` gives. */
  some<T>(most: number, make: () => T): readonly T[] {
    return Array.from({ length: this.draw(most + 1) }, make)
  }
}
