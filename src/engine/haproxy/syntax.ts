/**
 * HAProxy's configuration language as values: every word that reaches a file is made by one of these functions, which refuse what the language
 * has no form for. There is no template into which a user's string could be put.
 *
 * Source: HAProxy 2.6 configuration manual, section 2.2 (quoting and escaping), 7.1.3 (maps are one `key value` a line, `#` begins a comment).
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { FairwayError } from '../../model/code.ts'
import { HAPROXY_ENTRY_INVALID } from '../../model/codes/haproxy.ts'

const words = Symbol('words')

/** A piece of HAProxy's language; made in this file alone. */
export interface Words {
  readonly [words]: true
  readonly text: string
}

const make = (text: string): Words => ({ [words]: true, text })
const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
const HOST_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`)

/** Keywords and numbers, written in the source of Fairway; `values` go between them. */
export function phrase(parts: TemplateStringsArray, ...values: readonly (Words | number)[]): Words {
  return make(parts.reduce((text, part, at) => text + wordText(values[at - 1]) + part))
}

function wordText(value: Words | number | undefined): string {
  if (typeof value === 'object') return value.text
  if (value === undefined || !Number.isSafeInteger(value) || value < 0) throw invalid(`${value} is no whole number`)
  return String(value)
}

/** A section: its head, and its statements one a line. */
export function section(head: Words, lines: readonly Words[]): string {
  return `${[head.text, ...lines.map(({ text }) => `  ${text}`)].join('\n')}\n`
}

/** A name that stands for a key: no two keys have one, and nothing of the key is in it. */
export function nameFor(kind: 'auth' | 'be' | 'ca' | 'case' | 'fe' | 'own' | 'srv' | 'table' | 'users', key: string): Words {
  return make(`${kind}_${digest(key, 20)}`)
}

/** So many hexadecimal digits that stand for a text. */
export function digestWord(text: string): Words {
  return make(digest(text, 12))
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

/** The section of a slot. */
export function slotName(slot: number): Words {
  if (!Number.isSafeInteger(slot) || slot < 0) throw invalid(`${slot} is no slot`)
  return make(`b${String(slot).padStart(5, '0')}`)
}

/** The host of a certificate: a name, or `*.` and one. @throws {FairwayError} */
export function certificateHost(host: string): Words {
  if (!HOST_NAME.test(host.replace(/^\*\./, '')) || host.length > 253) throw invalid(`${JSON.stringify(host)} is no host name`)
  return make(host)
}

/** A name that was made here and kept as text. @throws {FairwayError} */
export function wordOf(name: string): Words {
  if (!/^[a-z0-9_]+$/.test(name)) throw invalid(`${JSON.stringify(name)} is no name`)
  return make(name)
}

/** Words with something between them. */
export function joined(all: readonly Words[], between: '.' | ''): Words {
  return make(all.map(({ text }) => text).join(between))
}

/** A file of ours, or a number of one: the folder is the operator's word, and may have what file names have. @throws {FairwayError} */
export function file(path: string): Words {
  // inside single quotes nothing is special
  if (!/^(unix@)?\/[^'\p{C}]*$/u.test(path)) throw invalid(`the file name ${JSON.stringify(path)} cannot be written`)
  return make(`'${path}'`)
}

export function port(value: number): Words {
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw invalid(`${value} is no port`)
  return make(String(value))
}

/** `ADDRESS:PORT`, or `ADDRESS`; an address of IPv6 in brackets, as a name would be looked up otherwise. @throws {FairwayError} */
export function endpoint(host: string, number?: number): Words {
  const family = isIP(host)
  if (host.includes('%') || (family === 0 && (!HOST_NAME.test(host) || host.length > 253)))
    throw invalid(`${JSON.stringify(host)} is neither an address nor a host name`)
  const name = family === 6 ? `[${host}]` : host
  return make(number === undefined ? name : `${name}:${port(number).text}`)
}

/** Characters that end no word and are seen: of any script. */
const VISIBLE = /^[^\p{C}\p{Z}]+$/u

/** The key of a line of a map, as it is. @throws {FairwayError} for one that would be another key, or more than one line */
export function mapKey(key: string): string {
  if (!VISIBLE.test(key) || key.startsWith('#')) throw invalid(`${JSON.stringify(key)} cannot be looked up`)
  return key
}

/** A word of a command of the runtime's: what ends words and commands is escaped. Source: management guide, section 9.3. */
export function commandWord(text: string): string {
  if (!VISIBLE.test(text)) throw invalid(`${JSON.stringify(text)} cannot be said to HAProxy`)
  return text.replace(/[\\;#]/g, '\\$&')
}

/** Any text of printable ASCII characters as one word, which is that text and nothing else. @throws {FairwayError} */
export function literal(text: string): Words {
  // `}` alone ends a condition, in quotes or not
  if (!/^[ -~]*$/.test(text) || text === '}') throw invalid(`${JSON.stringify(text)} cannot be written`)
  return make(`'${text.replaceAll("'", "'\\''")}'`)
}

/** A text where HAProxy looks for variables: it has none. @throws {FairwayError} */
export function plain(text: string): Words {
  return literal(text.replaceAll('%', '%%'))
}

/** A text with groups of an expression, by their numbers, in the place of a path. @throws {FairwayError} */
export function replacement(parts: readonly (string | number)[]): Words {
  const text = parts.map((part) => (typeof part === 'number' ? group(part) : part.replaceAll('\\', '\\\\')))
  return plain(text.join(''))
}

function group(number: number): string {
  if (!Number.isInteger(number) || number < 0 || number > 9) throw invalid(`${number} is no number of a group`)
  return `\\${number}`
}

/** A regular expression, which is one and stays one. @throws {FairwayError} */
export function expression(text: string, ignoresCase = false): Words {
  try {
    new RegExp(text)
  } catch {
    throw invalid(`${JSON.stringify(text)} is no regular expression`)
  }
  return literal(`${ignoresCase ? '(?i)' : ''}(?:${text})`)
}

/** A range of addresses, or an address. @throws {FairwayError} */
export function range(text: string): Words {
  const [address = '', length = '', rest] = text.split('/')
  const most = isIP(address) === 4 ? 32 : 128
  const isLength = length === '' || (/^\d{1,3}$/.test(length) && Number(length) <= most)
  if (isIP(address) === 0 || address.includes('%') || !isLength || rest !== undefined)
    throw invalid(`${JSON.stringify(text)} is no range of addresses`)
  return make(text)
}

/** The name of a header, a cookie, a method or a parameter. Source: RFC 9110, 5.6.2, without what HAProxy might read. @throws {FairwayError} */
export function token(text: string): Words {
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(text)) throw invalid(`${JSON.stringify(text)} is no name of a header or a cookie`)
  return make(text)
}

export function invalid(why: string): FairwayError {
  return new FairwayError(HAPROXY_ENTRY_INVALID, `HAProxy cannot be given this: ${why}.`)
}
