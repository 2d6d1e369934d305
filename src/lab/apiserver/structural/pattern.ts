/** Regular expressions of Go (RE2 syntax) as those of JavaScript. Source: Go regexp/syntax. */
import { POSIX, POSIX_NEGATED } from './posix-class.ts'

export type Pattern = { readonly regexp: RegExp } | { readonly error: string }

const MAX_REPEAT = 1000
const compiled = new Map<string, Pattern>()
const MAX_COMPILED = 2000

/** Compiles a Go pattern. The error is Go's sentence, without `error parsing regexp` where Go has none. */
export function goPattern(source: string): Pattern {
  let known = compiled.get(source)
  if (known === undefined) {
    known = compile(source)
    if (compiled.size < MAX_COMPILED) compiled.set(source, known)
  }
  return known
}

function compile(source: string): Pattern {
  try {
    return { regexp: new RegExp(new Translation(source).run(), 'u') }
  } catch (error) {
    if (error instanceof PatternError) return { error: `error parsing regexp: ${error.message}` }
    return { error: `error parsing regexp: ${error instanceof Error ? error.message : String(error)}` }
  }
}

class PatternError extends Error {}

const SPACE = '\\t\\n\\f\\r '
const NOT_SPACE = '\\x00-\\x08\\v\\x0e-\\x1f!-\\u{10ffff}'
const END_OF_TEXT = '(?![^])'
const START_OF_TEXT = '(?<![^])'

/** What an open group holds until it is closed. */
interface Group {
  readonly close: string
  /** Openings of `(?i:` and the like that flags made since the group began: each alternative has its own. */
  readonly wraps: string[]
  /** Whether `.` takes line feeds. */
  dotAll: boolean
  multiline: boolean
}

const closing = (group: Group): string => ')'.repeat(group.wraps.length) + group.close

/** One pass over a pattern. Flags hold until the end of their group. */
class Translation {
  readonly #source: string
  #at = 0
  #out = ''
  /** The open groups; the first is the pattern itself. */
  readonly #groups: Group[] = [{ close: '', wraps: [], dotAll: false, multiline: false }]

  constructor(source: string) {
    this.#source = source
  }

  run(): string {
    while (this.#at < this.#source.length) this.#token()
    if (this.#groups.length > 1) throw new PatternError(`missing closing ): \`${this.#source}\``)
    return this.#out + closing(this.#group)
  }

  get #group(): Group {
    return this.#groups.at(-1) ?? { close: '', wraps: [], dotAll: false, multiline: false }
  }

  #token(): void {
    const char = this.#source[this.#at] ?? ''
    switch (char) {
      case '\\':
        this.#out += this.#escape(false)
        return
      case '[':
        this.#out += this.#class()
        return
      case '(':
        this.#open()
        return
      case ')':
        this.#close()
        return
      case '|':
        this.#out += `${')'.repeat(this.#group.wraps.length)}|${this.#group.wraps.join('')}`
        break
      case '.':
        this.#out += this.#group.dotAll ? '[^]' : '[^\\n]'
        break
      case '^':
        this.#out += this.#group.multiline ? '(?<![^\\n])' : START_OF_TEXT
        break
      case '$':
        this.#out += this.#group.multiline ? '(?![^\\n])' : END_OF_TEXT
        break
      case '{':
        this.#repeat()
        return
      case '}':
      case ']':
      case '/':
        this.#out += `\\${char}`
        break
      case '*':
      case '+':
      case '?':
        if (this.#out === '' || this.#source[this.#at - 1] === '(' || this.#source[this.#at - 1] === '|') {
          if (this.#source[this.#at - 2] !== '\\') throw new PatternError(`missing argument to repetition operator: \`${char}\``)
        }
        this.#out += char
        break
      default: {
        const point = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0)
        this.#out += point
        this.#at += point.length
        return
      }
    }
    this.#at += 1
  }

  #repeat(): void {
    const match = /^\{(\d+)(?:,(\d*))?\}/.exec(this.#source.slice(this.#at))
    if (match === null) {
      this.#out += '\\{'
      this.#at += 1
      return
    }
    const [text, low = '0', high] = match
    const most = high === undefined || high === '' ? Number(low) : Number(high)
    if (Math.max(Number(low), most) > MAX_REPEAT || most < Number(low))
      throw new PatternError(`invalid repeat count: \`${text}\``)
    this.#out += text
    this.#at += text.length
  }

  #open(): void {
    const rest = this.#source.slice(this.#at)
    const inherited = this.#group
    const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest)
    if (named !== null) {
      this.#push(`(?<${named[1]}>`, ')', inherited, named[0].length)
      return
    }
    if (!rest.startsWith('(?')) {
      this.#push('(', ')', inherited, 1)
      return
    }
    const flags = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest)
    if (flags === null)
      throw new PatternError(`invalid or unsupported Perl syntax: \`${rest.slice(0, /^\(\?<[=!]/.test(rest) ? 4 : 3)}\``)
    this.#flags(flags[1] ?? '', flags[2] ?? '', flags[3] === ':', flags[0].length)
  }

  #flags(on: string, off: string, scoped: boolean, length: number): void {
    if (on.includes('U')) throw new PatternError('the flag `U` is not supported by this server')
    const group = scoped ? { ...this.#group, close: ')', wraps: [] } : this.#group
    if (on.includes('s') || off.includes('s')) group.dotAll = on.includes('s')
    if (on.includes('m') || off.includes('m')) group.multiline = on.includes('m')
    const ignoreCase = on.includes('i') ? '(?i:' : off.includes('i') ? '(?-i:' : ''
    if (scoped) this.#groups.push(group)
    else if (ignoreCase !== '') group.wraps.push(ignoreCase)
    this.#out += ignoreCase !== '' ? ignoreCase : scoped ? '(?:' : ''
    this.#at += length
  }

  #push(open: string, close: string, inherited: { dotAll: boolean; multiline: boolean }, length: number): void {
    this.#groups.push({ close, wraps: [], dotAll: inherited.dotAll, multiline: inherited.multiline })
    this.#out += open
    this.#at += length
  }

  #close(): void {
    if (this.#groups.length === 1) throw new PatternError(`unexpected ): \`${this.#source}\``)
    this.#out += closing(this.#group)
    this.#groups.pop()
    this.#at += 1
  }

  /** An escape sequence, also within a class. */
  #escape(inClass: boolean): string {
    const rest = this.#source.slice(this.#at)
    const literal = inClass ? null : /^\\Q([\s\S]*?)(?:\\E|$)/.exec(rest)
    if (literal !== null) return this.#take(literal[0].length, (literal[1] ?? '').replaceAll(/[\^$\\.*+?()[\]{}|/]/g, '\\$&'))
    const property = /^\\([pP])(?:\{(\^?)(\w+)\}|(\w))/.exec(rest)
    if (property !== null) return this.#property(property)
    const hex = /^\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/.exec(rest)
    if (hex !== null) return this.#take(hex[0].length, `\\u{${hex[1] ?? hex[2]}}`)
    const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest)
    if (octal !== null) return this.#take(octal[0].length, `\\u{${Number.parseInt(octal[1] ?? '0', 8).toString(16)}}`)
    return this.#take(2, this.#simple(rest[1], inClass))
  }

  #simple(char: string | undefined, inClass: boolean): string {
    if (char === undefined) throw new PatternError('trailing backslash at end of expression: ``')
    if (char === 's') return inClass ? SPACE : `[${SPACE}]`
    if (char === 'S') return inClass ? NOT_SPACE : `[${NOT_SPACE}]`
    if (/[dDwWfnrtv]/.test(char) || (!inClass && /[bB]/.test(char))) return `\\${char}`
    if (char === 'a') return '\\x07'
    if (char === 'A' && !inClass) return START_OF_TEXT
    if (char === 'z' && !inClass) return END_OF_TEXT
    if (/[\^$\\.*+?()[\]{}|/]/.test(char) || (inClass && char === '-')) return `\\${char}`
    if (/[A-Za-z0-9]/.test(char) || char > '~') throw new PatternError(`invalid escape sequence: \`\\${char}\``)
    return char
  }

  #property(match: RegExpExecArray): string {
    const [text, sign, caret, long, short] = match
    const name = long ?? short ?? ''
    const negated = (sign === 'P') !== (caret === '^')
    const category = name === 'Any' ? 'Any' : name.length <= 2 ? name : `Script=${name}`
    const out = `\\${negated ? 'P' : 'p'}{${category}}`
    try {
      new RegExp(out, 'u')
    } catch {
      throw new PatternError(`invalid character class range: \`${text}\``)
    }
    return this.#take(text.length, out)
  }

  #class(): string {
    const start = this.#at
    let out = '['
    this.#at += 1
    if (this.#source[this.#at] === '^') {
      out += '^'
      this.#at += 1
    }
    for (let first = true; first || this.#source[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#source.length) throw new PatternError(`missing closing ]: \`${this.#source.slice(start)}\``)
      out += this.#member(first)
    }
    this.#at += 1
    return `${out}]`
  }

  #member(first: boolean): string {
    const rest = this.#source.slice(this.#at)
    const posix = /^\[:(\^?)(\w+):\]/.exec(rest)
    if (posix !== null) {
      const set = (posix[1] === '^' ? POSIX_NEGATED : POSIX)[posix[2] ?? '']
      if (set === undefined) throw new PatternError(`invalid character class range: \`${posix[0]}\``)
      return this.#take(posix[0].length, set) + this.#literalDash()
    }
    if (rest.startsWith('\\')) {
      const out = this.#escape(true)
      return /^\\[dDwWsSpP]/.test(rest) ? out + this.#literalDash() : out
    }
    if (rest.startsWith('-') && (first || rest[1] === ']')) return this.#take(1, '\\-')
    const point = String.fromCodePoint(rest.codePointAt(0) ?? 0)
    return this.#take(point.length, /[[\]^]/.test(point) ? `\\${point}` : point)
  }

  /** After a set, `-` is itself: no range begins with a set. */
  #literalDash(): string {
    return this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']' ? this.#take(1, '\\-') : ''
  }

  #take(length: number, out: string): string {
    this.#at += length
    return out
  }
}
