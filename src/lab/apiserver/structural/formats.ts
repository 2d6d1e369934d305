/** The formats of strings that CustomResourceDefinitions check. Source: kube-openapi pkg/validation/strfmt; others are ignored. */
import { isIPv4, isIPv6 } from 'node:net'
import { canonicalQuantity } from '../schema/scalars.ts'

type Check = (text: string) => boolean

const matches =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text)

const ipv6: Check = (text) => isIPv6(text) && !text.includes('%')

function cidr(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/')
  const bits = isIPv4(address) ? 32 : ipv6(address) ? 128 : -1
  return more.length === 0 && /^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= bits
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function date(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (match === null) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return day >= 1 && day <= (DAYS[month - 1] ?? 0) + (leap ? 1 : 0)
}

function dateTime(text: string): boolean {
  const [day = '', time = ''] = text.toLowerCase().split('t')
  const match = /^(\d{2}):(\d{2}):(\d{2})(.\d+)?(z|[+-]\d{2}:\d{2})$/.exec(time)
  return date(day) && match !== null && Number(match[1]) <= 23 && Number(match[2]) <= 59 && Number(match[3]) <= 59
}

const GO_DURATION = /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/
const WORD_DURATION = /\d+\s*(?:nano|ns|micro|us|µs|milli|ms|sec|s$|s\b|min|m$|m\b|hour|hr|h$|h\b|day|d$|d\b|week|wk|w$|w\b)/i

/** Of `time.ParseDuration`, or a number with a unit spelt out. */
const duration: Check = (text) => GO_DURATION.test(text) || WORD_DURATION.test(text)

/** What `url.ParseRequestURI` takes: an absolute path, or a scheme with an authority. */
function uri(text: string): boolean {
  if ([...text].some((char) => char < ' ' || char === '\u007f')) return false
  if (text.startsWith('/')) return !/%(?![0-9A-Fa-f]{2})/.test(text.split('?')[0] ?? '')
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:\/([\s\S]*)$/.exec(text)
  return match !== null && !/%(?![0-9A-Fa-f]{2})/.test(text.split('?')[0] ?? '') && !/^\/[^/?#]*[\s<>"]/.test(match[1] ?? '')
}

const HOSTNAME =
  /^([a-zA-Z0-9\p{S}\p{L}](-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?|([a-zA-Z0-9\p{S}\p{L}]([a-zA-Z0-9\p{S}\p{L}-]{0,61}[a-zA-Z0-9\p{S}\p{L}])?\.)+[a-zA-Z\p{L}]{2,63})$/u
const hostname: Check = (text) => text.length <= 255 && HOSTNAME.test(text) && text.split('.').every((part) => part.length <= 63)

const EMAIL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*@[^\s@<>]+$/u
const email: Check = (text) => EMAIL.test((/^[^<>]*<([^<>]+)>$/.exec(text)?.[1] ?? text).trim())

const HEX_PAIR = '[0-9A-Fa-f]{2}'
const MAC = new RegExp(
  [6, 8, 20]
    .flatMap((size) => [
      ...[':', '-'].map((separator) => `^${HEX_PAIR}(${separator}${HEX_PAIR}){${size - 1}}$`),
      `^[0-9A-Fa-f]{4}(\\.[0-9A-Fa-f]{4}){${size / 2 - 1}}$`,
    ])
    .join('|'),
)

const digitsOf = (text: string): readonly number[] =>
  [...text.replaceAll(/[\s-]/g, '')].map((char) => (char === 'X' ? 10 : Number(char)))

const isbn10: Check = (text) =>
  /^\d{9}[\dX]$/.test(text.replaceAll(/[\s-]/g, '')) &&
  digitsOf(text).reduce((sum, digit, at) => sum + digit * (10 - at), 0) % 11 === 0
const isbn13: Check = (text) =>
  /^\d{13}$/.test(text.replaceAll(/[\s-]/g, '')) &&
  digitsOf(text).reduce((sum, digit, at) => sum + digit * (at % 2 === 0 ? 1 : 3), 0) % 10 === 0

const CREDIT_CARD =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/
const BYTE_OF_COLOUR = '(0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])'
const NAME_PART = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const uuid = (version: string, variant: string): Check =>
  matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i'))

/** By name without dashes: `date-time` is `datetime`. */
const FORMATS: Readonly<Record<string, Check>> = {
  bsonobjectid: matches(/^[0-9A-Fa-f]{24}$/),
  uri,
  email,
  hostname,
  ipv4: isIPv4,
  ipv6,
  cidr,
  mac: matches(MAC),
  uuid: uuid('[0-9a-f]', '[0-9a-f]'),
  uuid3: uuid('3', '[0-9a-f]'),
  uuid4: uuid('4', '[89ab]'),
  uuid5: uuid('5', '[89ab]'),
  isbn: (text) => isbn10(text) || isbn13(text),
  isbn10,
  isbn13,
  creditcard: (text) => CREDIT_CARD.test(text.replaceAll(/\D/g, '')),
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$/),
  rgbcolor: matches(new RegExp(`^rgb\\(\\s*${BYTE_OF_COLOUR}\\s*,\\s*${BYTE_OF_COLOUR}\\s*,\\s*${BYTE_OF_COLOUR}\\s*\\)$`)),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  password: () => true,
  date,
  duration,
  datetime: dateTime,
  quantity: (text) => 'text' in canonicalQuantity(text),
  k8sshortname: (text) => text.length <= 63 && new RegExp(`^${NAME_PART}$`).test(text),
  k8slongname: (text) => text.length <= 253 && new RegExp(`^${NAME_PART}(\\.${NAME_PART})*$`).test(text),
}

/** The check of a format, or undefined when it is one that is ignored. */
export function formatCheck(format: string): Check | undefined {
  const name = format.replaceAll('-', '')
  return Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
}
