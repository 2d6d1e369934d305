/** Scalars that Kubernetes writes in a form of its own: quantities, times, base64. Each function answers the canonical text, or an error. */

export type Scalar = { readonly text: string } | { readonly error: string }

const QUANTITY = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([KMGTPE]i|[numkMGTPE]|)|[eE]([+-]?\d+))$/
const DECIMAL: readonly (readonly [string, number])[] = [
  ['E', 18],
  ['P', 15],
  ['T', 12],
  ['G', 9],
  ['M', 6],
  ['k', 3],
  ['', 0],
  ['m', -3],
  ['u', -6],
  ['n', -9],
]
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const SCALE_DIGITS = 9

/**
 * The canonical form of a quantity: no fraction, the largest suffix that leaves none, in the family of suffixes it came in.
 *
 * Source: apimachinery pkg/api/resource/quantity.go. Smaller than a billionth rounds up.
 */
export function canonicalQuantity(text: string): Scalar {
  const parsed = parseQuantity(text)
  if (parsed === undefined) return { error: quantityProblem(text.trim()) }
  const { sign, billionths, binary, exponent } = parsed
  const unit = 10n ** BigInt(SCALE_DIGITS)
  if (billionths === 0n) return { text: '0' }
  if (exponent !== undefined) return { text: `${sign === '-' ? '-' : ''}${exponentForm(billionths)}` }
  if (binary && billionths % unit === 0n && billionths / unit >= 1024n)
    return { text: `${sign === '-' ? '-' : ''}${binaryForm(billionths / unit)}` }
  return { text: `${sign === '-' ? '-' : ''}${decimalForm(billionths)}` }
}

/** Letters of suffixes in some order, as Go looks for them before it asks what they mean. */
const SHAPE = /^[+-]?(\d*\.?\d*)([eEinumkKMGTP]*[-+]?\d*)$/

/** Why a text is no quantity, in the words of apimachinery. */
function quantityProblem(text: string): string {
  const [, digits = '', suffix = ''] = text === '' ? [] : (SHAPE.exec(text) ?? [])
  if (digits === '' && suffix === '')
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  return QUANTITY.test(`1${suffix}`) ? 'unable to parse numeric part of quantity' : "unable to parse quantity's suffix"
}

/** What a quantity comes to, in billionths; undefined when it is none. */
export function quantityInBillionths(text: string): bigint | undefined {
  const parsed = parseQuantity(text)
  return parsed === undefined || parsed.sign !== '-' ? parsed?.billionths : -parsed.billionths
}

function parseQuantity(text: string) {
  const match = QUANTITY.exec(text.trim())
  if (match === null) return undefined
  const [, sign = '', digits = '', suffix = '', exponent] = match
  const binary = suffix.endsWith('i')
  const power = exponent !== undefined ? Number(exponent) : (DECIMAL.find(([name]) => name === suffix)?.[1] ?? 0)
  const billionths = scaled(digits, power) * (binary ? 1024n ** BigInt(BINARY.indexOf(suffix)) : 1n)
  return { sign, billionths, binary, exponent }
}

function scaled(digits: string, power: number): bigint {
  const [whole = '', fraction = ''] = digits.split('.')
  const shift = SCALE_DIGITS + power - fraction.length
  const value = BigInt(`${whole}${fraction}` || '0')
  if (shift >= 0) return value * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  return (value + divisor - 1n) / divisor
}

function decimalForm(billionths: bigint): string {
  for (const [suffix, power] of DECIMAL) {
    const unit = 10n ** BigInt(power + SCALE_DIGITS)
    if (billionths % unit === 0n) return `${billionths / unit}${suffix}`
  }
  return `${billionths}n`
}

function exponentForm(billionths: bigint): string {
  for (const [suffix, power] of DECIMAL) {
    const unit = 10n ** BigInt(power + SCALE_DIGITS)
    if (billionths % unit === 0n) return suffix === '' ? `${billionths / unit}` : `${billionths / unit}e${power}`
  }
  return `${billionths}e-9`
}

function binaryForm(value: bigint): string {
  let index = 0
  let rest = value
  while (rest % 1024n === 0n && index < BINARY.length - 1) {
    rest /= 1024n
    index++
  }
  return `${rest}${BINARY[index] ?? ''}`
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** A time in UTC, to the second or (micro) to the microsecond. */
export function canonicalTime(text: string, micro: boolean): Scalar {
  const match = RFC3339.exec(text)
  const instant = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`)
  if (Number.isNaN(instant)) {
    const layout = micro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00'
    return {
      error: `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(text)} as "2006"`,
    }
  }
  const seconds = new Date(instant).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)
  return { text: micro ? `${seconds}.${(match?.[2] ?? '.').slice(1, 7).padEnd(6, '0')}Z` : `${seconds}Z` }
}

/** Base64 (RFC 4648 section 4) without line breaks. */
export function canonicalBase64(text: string): Scalar {
  const joined = text.replaceAll(/[\r\n]/g, '')
  const bad = /[^A-Za-z0-9+/=]|=(?!=?$)/.exec(joined)
  const at = bad !== null ? bad.index : joined.length % 4 === 0 ? -1 : joined.length - (joined.length % 4)
  return at === -1 ? { text: joined } : { error: `illegal base64 data at input byte ${at}` }
}
