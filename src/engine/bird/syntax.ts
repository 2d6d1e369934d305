/**
 * BIRD's configuration language as values: every word that reaches a file is made by one of these functions, which refuse what the
 * language has no form for. There is no template into which a user's string could be put.
 *
 * Source: BIRD 2.0 user's guide, and conf/cf-lex.l: a quoted string ends at the next `"`; it has no escapes and no line ends.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { FairwayError } from '../../model/code.ts'
import { BGP_ENTRY_INVALID } from '../../model/codes/bgp.ts'

const words = Symbol('words')

/** A piece of BIRD's language; made in this file alone. */
export interface Words {
  readonly [words]: true
  readonly text: string
}

const make = (text: string): Words => ({ [words]: true, text })

/** Keywords and numbers, written in the source of Fairway; `values` go between them. */
export function phrase(parts: TemplateStringsArray, ...values: readonly (Words | number)[]): Words {
  return make(parts.reduce((text, part, at) => text + wordText(values[at - 1]) + part))
}

function wordText(value: Words | number | undefined): string {
  if (typeof value === 'object') return value.text
  if (value === undefined || !Number.isSafeInteger(value) || value < 0) throw invalid('', `${value} is no whole number`)
  return String(value)
}

/** `head { lines }`, one statement a line. */
export function block(head: Words, lines: readonly Words[], end = ''): Words {
  const inner = lines.map(({ text }) => `  ${text.replaceAll('\n', '\n  ')}\n`).join('')
  return make(`${head.text} {\n${inner}}${end}`)
}

export function joined(items: readonly Words[], between: ', ' | ' ' | '\n' | ''): Words {
  return make(items.map(({ text }) => text).join(between))
}

/** A quoted string. @throws {FairwayError} for a quotation mark or control character, which BIRD cannot be given */
export function quoted(value: string, field: string): Words {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/["\u0000-\u001f\u007f]/.test(value)) {
    throw invalid(field, 'has a quotation mark (") or a control character, which BIRD has no form for')
  }
  return make(`"${value}"`)
}

/** A quoted string for people to read: what BIRD cannot be given is left out. */
export function readable(value: string): Words {
  return make(`"${value.replace(/[^\p{L}\p{N}\p{P}\p{Sm} ]|"/gu, '?').slice(0, 200)}"`)
}

/** Anything as one line that BIRD does not read. JSON has no line ends. */
export function remark(kind: string, value: unknown): Words {
  return make(`# ${kind} ${JSON.stringify(value)}`)
}

/** A name for a protocol: readable, and never the same for two keys. */
export function symbol(kind: 'peer', name: string, tail: string): Words {
  return make(`${kind}_${name.replace(/[^A-Za-z0-9]/g, '_').slice(0, 32)}_${tail.replace(/[^0-9a-f]/g, '')}`)
}

export function address(value: string, field: string): Words {
  if (!isIPv4(value) && (!isIPv6(value) || value.includes('%'))) throw invalid(field, `"${value}" is no IP address`)
  return make(value)
}

export function ipv4(value: string, field: string): Words {
  if (!isIPv4(value)) throw invalid(field, `"${value}" is no IPv4 address`)
  return make(value)
}

/** `ADDRESS/LENGTH`; `family` is checked. */
export function prefix(value: string, family: 'ipv4' | 'ipv6', field: string): Words {
  const [, host = '', length = ''] = /^([0-9a-f.:]+)\/([0-9]{1,3})$/i.exec(value) ?? []
  const right = family === 'ipv4' ? isIPv4(host) : isIPv6(host)
  if (!right || Number(length) > (family === 'ipv4' ? 32 : 128)) throw invalid(field, `"${value}" is no ${family} prefix`)
  return make(`${host}/${Number(length)}`)
}

/** A whole number in a range, both ends allowed. */
export function number(value: number, least: number, most: number, field: string): Words {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw invalid(field, `${value} is not a whole number from ${least} to ${most}`)
  }
  return make(String(value))
}

const MOST_OF = { 2: 0xffff, 3: 0xffff_ffff }

/** `A:B` as `(A,B)`, `A:B:C` as `(A,B,C)`. */
export function community(value: string, field: string): Words {
  const parts = value.split(':')
  if (!/^[0-9]+(:[0-9]+){1,2}$/.test(value)) throw invalid(field, `"${value}" is no community`)
  const most = MOST_OF[parts.length as 2 | 3]
  return make(`(${parts.map((part) => number(Number(part), 0, most, field).text).join(',')})`)
}

function invalid(field: string, reason: string): FairwayError {
  return new FairwayError(
    BGP_ENTRY_INVALID,
    `${field === '' ? 'A value' : field} ${/^["\d-]/.test(reason) ? 'is wrong: ' : ''}${reason}.`,
    {
      field,
    },
  )
}
