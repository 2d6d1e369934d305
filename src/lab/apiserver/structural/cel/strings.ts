/** Functions of strings. Source: cel-go ext/strings.go, apiserver pkg/cel/library/regex.go. */
import { goPattern } from '../pattern.ts'
import { CelFailure, type CelFunction, type CelLibrary } from './functions.ts'

function pattern(source: string, flags: string): RegExp {
  const compiled = goPattern(source)
  if ('error' in compiled) throw new CelFailure(compiled.error)
  return flags === '' ? compiled.regexp : new RegExp(compiled.regexp.source, `u${flags}`)
}

function findAll(text: string, source: string, limit = -1n): readonly string[] {
  const found = [...text.matchAll(pattern(source, 'g'))].map(([match]) => match)
  return limit < 0n ? found : found.slice(0, Number(limit))
}

function replace(text: string, old: string, by: string, limit = -1n): string {
  if (limit < 0n) return text.replaceAll(old, () => by)
  const parts = text.split(old)
  const count = Math.min(Number(limit), parts.length - 1)
  return (
    parts
      .slice(0, count)
      .map((part) => part + by)
      .join('') + parts.slice(count).join(old)
  )
}

function charAt(text: string, index: bigint): string {
  const chars = [...text]
  if (index < 0n || index > BigInt(chars.length)) throw new CelFailure(`index out of range: ${index}`)
  return chars[Number(index)] ?? ''
}

/** `%s %d %f %e %x %X %o %b %%`, with a precision for `%f` and `%e`. */
function format(template: string, values: readonly unknown[]): string {
  let next = 0
  const text = template.replaceAll(
    /%(?:\.(\d+))?([sdfexXob%])|%(.?)/g,
    (_, precision: string | undefined, verb: string | undefined, odd: string) => {
      if (verb === undefined) throw new CelFailure(`could not parse formatting clause: unrecognized formatting clause "${odd}"`)
      if (verb === '%') return '%'
      if (next >= values.length) throw new CelFailure(`index ${next} out of range`)
      const value = values[next]
      next += 1
      return formatOne(verb, value, precision === undefined ? 6 : Number(precision))
    },
  )
  if (next < values.length) throw new CelFailure('too many arguments supplied to string.format')
  return text
}

const BASES: Readonly<Record<string, number>> = { d: 10, x: 16, X: 16, o: 8, b: 2 }

function formatOne(verb: string, value: unknown, precision: number): string {
  if (verb === 's') return asText(value)
  if (verb === 'f') return Number(value).toFixed(precision)
  if (verb === 'e')
    return Number(value)
      .toExponential(precision)
      .replace(/e([+-])(\d)$/, 'e$10$2')
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'string' && (verb === 'x' || verb === 'X')) return cased(Buffer.from(value).toString('hex'), verb)
  if (typeof value !== 'bigint' && typeof value !== 'number')
    throw new CelFailure(`error during formatting: cannot format %${verb}`)
  return cased(BigInt(Math.trunc(Number(value)) === Number(value) ? value : 0).toString(BASES[verb]), verb)
}

const cased = (text: string, verb: string): string => (verb === 'X' ? text.toUpperCase() : text)

/** As `%s` and messages print a value. */
function asText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asText).join(', ')}]`
  if (value instanceof Map)
    return `{${[...value]
      .map(([key, item]) => `${asText(key)}: ${asText(item)}`)
      .sort()
      .join(', ')}}`
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z')
  return String(value)
}

class Strings {}

const FUNCTIONS: readonly CelFunction[] = [
  ['string.re2Matches(string): bool', (text: string, source: string) => pattern(source, '').test(text)],
  ['string.find(string): string', (text: string, source: string) => pattern(source, '').exec(text)?.[0] ?? ''],
  ['string.findAll(string): list<string>', (text: string, source: string) => findAll(text, source)],
  ['string.findAll(string, int): list<string>', findAll],
  ['string.replace(string, string): string', (text: string, old: string, by: string) => replace(text, old, by)],
  ['string.replace(string, string, int): string', replace],
  ['string.charAt(int): string', charAt],
  ['string.reverse(): string', (text: string) => [...text].toReversed().join('')],
  ['string.format(list): string', format],
  ['StringsNamespace.quote(string): string', (_: Strings, text: string) => JSON.stringify(text)],
]

export const STRINGS: CelLibrary = {
  classes: [{ name: 'StringsNamespace', of: Strings, constant: { name: 'strings', value: new Strings() } }],
  functions: FUNCTIONS,
}
