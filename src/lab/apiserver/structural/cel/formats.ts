/** Named formats. Source: apiserver pkg/cel/library/format.go. */
import { Optional } from '@marcbachmann/cel-js'
import type { FieldError } from '../../kind.ts'
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '../../kinds/check.ts'
import { formatCheck } from '../formats.ts'
import type { CelFunction, CelLibrary } from './functions.ts'

/** What is wrong with a text. */
type Validate = (text: string) => readonly string[]

const DNS_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'
const DNS_1035_RULE = `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${DNS_1035}')`

const of =
  (check: (field: string, value: string) => readonly FieldError[]): Validate =>
  (text) =>
    check('', text).map(({ detail = '' }) => detail)

/** A prefix may end with what a name may not. */
const prefix =
  (validate: Validate): Validate =>
  (text) =>
    validate(text.endsWith('-') ? `${text.slice(0, -1)}a` : text)

const dns1035: Validate = (text) => [
  ...(text.length > 63 ? ['must be no more than 63 characters'] : []),
  ...(new RegExp(`^${DNS_1035}$`).test(text) ? [] : [DNS_1035_RULE]),
]

const known =
  (format: string, rule: string): Validate =>
  (text) =>
    formatCheck(format)?.(text) === true ? [] : [rule]

const FORMATS: Readonly<Record<string, Validate>> = {
  dns1123Label: of(dnsLabel),
  dns1123Subdomain: of(dnsSubdomain),
  dns1035Label: dns1035,
  qualifiedName: of(qualifiedName),
  dns1123LabelPrefix: prefix(of(dnsLabel)),
  dns1123SubdomainPrefix: prefix(of(dnsSubdomain)),
  dns1035LabelPrefix: prefix(dns1035),
  labelValue: of(labelValue),
  uri: known('uri', 'invalid URI for request'),
  uuid: known('uuid', 'does not match the UUID format'),
  byte: known('byte', 'invalid base64'),
  date: known('date', 'invalid date'),
  datetime: known('date-time', 'invalid datetime'),
}

class Format {
  readonly validate: Validate

  constructor(validate: Validate) {
    this.validate = validate
  }
}

class FormatNamespace {}

function validate(format: Format, text: string): Optional<readonly string[]> {
  const wrong = format.validate(text)
  return wrong.length === 0 ? Optional.none() : Optional.of(wrong)
}

function named(_: FormatNamespace, name: string): Optional<Format> {
  const found = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
  return found === undefined ? Optional.none() : Optional.of(new Format(found))
}

const FUNCTIONS: readonly CelFunction[] = [
  ...Object.entries(FORMATS).map(([name, check]): CelFunction => [`FormatNamespace.${name}(): Format`, () => new Format(check)]),
  ['FormatNamespace.named(string): optional<Format>', named],
  ['Format.validate(string): optional<list<string>>', validate],
]

export const NAMED_FORMATS: CelLibrary = {
  classes: [
    { name: 'Format', of: Format },
    { name: 'FormatNamespace', of: FormatNamespace, constant: { name: 'format', value: new FormatNamespace() } },
  ],
  functions: FUNCTIONS,
}
