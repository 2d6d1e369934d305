/** Small checks that validation is made of. Each answers the errors of one field, in Kubernetes' words; none means it is fine. */
import type { FieldError } from '../kind.ts'

export type FieldErrors = readonly FieldError[]

export const required = (field: string, detail?: string): FieldError =>
  detail === undefined ? { type: 'Required', field } : { type: 'Required', field, detail }
export const invalid = (field: string, value: unknown, detail: string): FieldError => ({ type: 'Invalid', field, value, detail })
export const forbidden = (field: string, detail: string): FieldError => ({ type: 'Forbidden', field, detail })
export const duplicate = (field: string, value: unknown): FieldError => ({ type: 'Duplicate', field, value })
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'NotSupported',
  field,
  value,
  supported,
})

/** Whether a value stands for "not set", as Go's zero values do. */
export const unset = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || value === 0 || value === false

/** One of a closed set; unset values pass. */
export function oneOf(field: string, value: unknown, supported: readonly string[]): FieldErrors {
  return unset(value) || supported.includes(value as string) ? [] : [notSupported(field, value, supported)]
}

/** One of a closed set, and set. */
export function requiredOneOf(field: string, value: unknown, supported: readonly string[]): FieldErrors {
  return unset(value) ? [required(field)] : oneOf(field, value, supported)
}

/** Set in `after` to what it was in `before`. */
export function unchanged(field: string, after: unknown, before: unknown, detail = 'field is immutable'): FieldErrors {
  return sameJson(after, before) ? [] : [invalid(field, after ?? null, detail)]
}

/** Whether two JSON values are equal; the order of keys does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const keys = Object.keys(left).filter((key) => left[key] !== undefined)
  return (
    keys.length === Object.keys(right).filter((key) => right[key] !== undefined).length &&
    keys.every((key) => sameJson(left[key], right[key]))
  )
}

/** Integers of a range, ends included. */
export function inRange(field: string, value: unknown, low: number, high: number): FieldErrors {
  const number = typeof value === 'number' ? value : Number.NaN
  return number >= low && number <= high ? [] : [invalid(field, value ?? 0, `must be between ${low} and ${high}, inclusive`)]
}

export const portNumber = (field: string, value: unknown): FieldErrors => inRange(field, value, 1, 65535)

export function notNegative(field: string, value: unknown): FieldErrors {
  return typeof value === 'number' && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : []
}

/** A pattern with its sentence, and the longest text it allows. */
interface TextRule {
  readonly pattern: RegExp
  readonly detail: string
  readonly maxLength: number
}

const regexNote = (examples: readonly string[], pattern: string): string => {
  const quoted = examples.map((example) => `'${example}'`).join(',  or ')
  return `(e.g. ${quoted}, regex used for validation is '${pattern}')`
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const LABEL_VALUE = `(${QUALIFIED})?`
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const CONFIG_KEY = '[-._a-zA-Z0-9]+'

const RULES = {
  dnsLabel: {
    pattern: new RegExp(`^${LABEL}$`),
    maxLength: 63,
    detail: `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character ${regexNote(['my-name', '123-abc'], LABEL)}`,
  },
  dns1035Label: {
    pattern: new RegExp(`^${LABEL_1035}$`),
    maxLength: 63,
    detail: `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character ${regexNote(['my-name', 'abc-123'], LABEL_1035)}`,
  },
  dnsSubdomain: {
    pattern: new RegExp(`^${SUBDOMAIN}$`),
    maxLength: 253,
    detail: `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character ${regexNote(['example.com'], SUBDOMAIN)}`,
  },
  labelValue: {
    pattern: new RegExp(`^${LABEL_VALUE}$`),
    maxLength: 63,
    detail: `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${regexNote(['MyValue', 'my_value', '12345'], LABEL_VALUE)}`,
  },
  configKey: {
    pattern: new RegExp(`^${CONFIG_KEY}$`),
    maxLength: 253,
    detail: `a valid config key must consist of alphanumeric characters, '-', '_' or '.' ${regexNote(['key.name', 'KEY_NAME', 'key-name'], CONFIG_KEY)}`,
  },
} as const satisfies Record<string, TextRule>

function text(field: string, value: unknown, rule: TextRule): FieldErrors {
  const string = typeof value === 'string' ? value : ''
  return [
    ...(string.length > rule.maxLength ? [invalid(field, string, `must be no more than ${rule.maxLength} characters`)] : []),
    ...(rule.pattern.test(string) ? [] : [invalid(field, string, rule.detail)]),
  ]
}

export const dnsLabel = (field: string, value: unknown): FieldErrors => text(field, value, RULES.dnsLabel)
export const dns1035Label = (field: string, value: unknown): FieldErrors => text(field, value, RULES.dns1035Label)
export const dnsSubdomain = (field: string, value: unknown): FieldErrors => text(field, value, RULES.dnsSubdomain)
export const labelValue = (field: string, value: unknown): FieldErrors => text(field, value, RULES.labelValue)
export const configKey = (field: string, value: unknown): FieldErrors => text(field, value, RULES.configKey)

/** `name` or `prefix/name`, as label and taint keys are. */
export function qualifiedName(field: string, value: string): FieldErrors {
  const parts = value.split('/')
  const name = parts.at(-1) ?? ''
  const note = regexNote(['MyName', 'my.name', '123-abc'], QUALIFIED)
  if (parts.length > 2)
    return [
      invalid(
        field,
        value,
        `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${note} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ),
    ]
  const prefix =
    parts.length === 2 ? dnsSubdomain(field, parts[0]).map((error) => invalid(field, value, `prefix part ${error.detail}`)) : []
  if (name === '') return [...prefix, invalid(field, value, 'name part must be non-empty')]
  const long = name.length > 63 ? [invalid(field, value, 'name part must be no more than 63 characters')] : []
  const shape = new RegExp(`^${QUALIFIED}$`).test(name)
    ? []
    : [
        invalid(
          field,
          value,
          `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${note}`,
        ),
      ]
  return [...prefix, ...long, ...shape]
}

/** A map of labels: keys and values. */
export function labels(field: string, map: Readonly<Record<string, string>> | undefined): FieldErrors {
  return Object.entries(map ?? {}).flatMap(([key, value]) => [...qualifiedName(field, key), ...labelValue(field, value)])
}

/** A port's name, as IANA has service names. */
export function portName(field: string, name: string): FieldErrors {
  const rules: readonly (readonly [boolean, string])[] = [
    [name.length > 15, 'must be no more than 15 characters'],
    [!/^[-a-z0-9]+$/.test(name), 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'],
    [!/[a-z]/.test(name), 'must contain at least one letter (a-z)'],
    [name.includes('--'), 'must not contain consecutive hyphens'],
    [name.startsWith('-') || name.endsWith('-'), 'must not begin or end with a hyphen'],
  ]
  return rules.filter(([broken]) => broken).map(([, detail]) => invalid(field, name, detail))
}

/** A port by number or by name. */
export function portNumberOrName(field: string, value: unknown): FieldErrors {
  return typeof value === 'string' ? portName(field, value) : portNumber(field, value ?? 0)
}

/** The members of a list that were there before: an error each. `key` is undefined where a member has none. */
export function uniqueBy<T>(
  list: readonly T[],
  key: (member: T) => string | undefined,
  error: (member: T, index: number) => FieldError,
): FieldErrors {
  const seen = new Set<string>()
  return list.flatMap((member, index) => {
    const name = key(member)
    if (name === undefined) return []
    if (seen.has(name)) return [error(member, index)]
    seen.add(name)
    return []
  })
}
