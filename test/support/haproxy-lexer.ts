/**
 * Reads HAProxy's configuration as HAProxy does, from its manual and not from what writes it here.
 *
 * Source: HAProxy 2.6 configuration manual, section 2.2: outside quotes a backslash takes the next character as it is, and `#` begins a comment; inside
 * double quotes a backslash and `$` keep their meaning, inside single quotes nothing has any. A line ends a statement unless a backslash is before it.
 */

/** Each statement as its words; empty lines and comments are none. @throws {Error} for an open quote, or a variable */
export function statements(text: string): readonly (readonly string[])[] {
  return new Lexer(text).read()
}

class Lexer {
  private readonly text: string
  private readonly all: string[][] = []
  private words: string[] = []
  private word: string | undefined
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  read(): readonly (readonly string[])[] {
    for (; this.at < this.text.length; this.at++) this.take(this.text[this.at] ?? '')
    this.endLine()
    return this.all
  }

  private take(character: string): void {
    if (character === '\n' || character === '\r') this.endLine()
    else if (character === ' ' || character === '\t') this.endWord()
    else if (character === '#') this.skipLine()
    else if (character === "'") this.single()
    else if (character === '"') this.double()
    else if (character === '\\') this.add(this.text[++this.at] ?? '')
    else this.add(character)
  }

  private single(): void {
    const end = this.text.indexOf("'", this.at + 1)
    this.add(this.inside(end, this.text.slice(this.at + 1, end)))
    this.at = end
  }

  private double(): void {
    let value = ''
    for (this.at++; this.text[this.at] !== '"'; this.at++) {
      if (this.at >= this.text.length) throw new Error('a quote is open at the end')
      if (this.text[this.at] === '$') throw new Error('a variable of the environment')
      if (this.text[this.at] === '\\') this.at++
      value += this.text[this.at] ?? ''
    }
    this.add(this.inside(this.at, value))
  }

  private inside(end: number, value: string): string {
    if (end === -1 || /[\r\n]/.test(value)) throw new Error(`a quote is open at the end of a line: ${value}`)
    return value
  }

  private skipLine(): void {
    while (this.at + 1 < this.text.length && this.text[this.at + 1] !== '\n') this.at++
  }

  private add(part: string): void {
    this.word = (this.word ?? '') + part
  }

  private endWord(): void {
    if (this.word !== undefined) this.words.push(this.word)
    this.word = undefined
  }

  private endLine(): void {
    this.endWord()
    if (this.words.length > 0) this.all.push(this.words)
    this.words = []
  }
}

/** The lines of a map file: the key up to the first blank, and the rest. Source: section 7.1.3, and pattern.c, pat_ref_read_from_file_smp. */
export function mapLines(text: string): readonly (readonly [key: string, value: string])[] {
  return text.split(/[\r\n]/).flatMap((line) => {
    const rest = line.replace(/^[ \t]+/, '')
    if (rest === '' || rest.startsWith('#')) return []
    const [, key = '', value = ''] = /^([^ \t]+)[ \t]*(.*?)[ \t]*$/.exec(rest) ?? []
    return [[key, value] as const]
  })
}

/**
 * A line of the runtime's as commands and their words: `;` ends a command, a blank a word, and a backslash takes the next character as it is.
 * Source: HAProxy 2.6 management guide, section 9.3, and cli.c, cli_parse_request.
 */
export function commands(line: string): readonly (readonly string[])[] {
  const all: string[][] = [['']]
  for (let at = 0; at < line.length; at++) {
    const words = all.at(-1) ?? []
    const character = line[at] ?? ''
    if (character === ';') all.push([''])
    else if (character === ' ') words.push('')
    else words.push(`${words.pop() ?? ''}${character === '\\' ? (line[++at] ?? '') : character}`)
  }
  return all
}
