/** Versions. Source: apiserver pkg/cel/library/semverlib.go, semver.org 2.0.0. */
import { CelFailure, type CelFunction, type CelLibrary } from './functions.ts'

const VERSION =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/** `v1.2` is `1.2.0` when asked to be lenient. */
function normalized(text: string): string {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+].*)?$/.exec(text)
  if (match === null) return text
  const [, major = '', minor = '0', patch = '0', rest = ''] = match
  return `${[major, minor, patch].map((part) => String(BigInt(part))).join('.')}${rest}`
}

class Semver {
  readonly numbers: readonly bigint[]
  readonly pre: readonly string[]

  constructor(text: string) {
    const match = VERSION.exec(text)
    if (match === null) throw new CelFailure(`semver parse error: ${JSON.stringify(text)} is no version`)
    this.numbers = match.slice(1, 4).map(BigInt)
    this.pre = match[4]?.split('.') ?? []
  }

  compare(other: Semver): bigint {
    const at = this.numbers.findIndex((number, index) => number !== other.numbers[index])
    if (at >= 0) return (this.numbers[at] ?? 0n) < (other.numbers[at] ?? 0n) ? -1n : 1n
    if (this.pre.length === 0 || other.pre.length === 0) return BigInt(Math.sign(other.pre.length - this.pre.length))
    const part = this.pre.findIndex((one, index) => one !== other.pre[index])
    return part < 0 ? BigInt(Math.sign(this.pre.length - other.pre.length)) : comparePart(this.pre[part], other.pre[part])
  }

  equals(other: unknown): boolean {
    return other instanceof Semver && this.compare(other) === 0n
  }
}

/** Numbers by value and before words; fewer parts before more. */
function comparePart(left: string | undefined, right: string | undefined): bigint {
  if (left === undefined || right === undefined) return left === undefined ? -1n : 1n
  const [leftNumber, rightNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)]
  if (leftNumber && rightNumber) return BigInt(left) < BigInt(right) ? -1n : 1n
  if (leftNumber !== rightNumber) return leftNumber ? -1n : 1n
  return left < right ? -1n : 1n
}

const isVersion = (text: string, lenient: boolean): boolean => VERSION.test(lenient ? normalized(text) : text)

const FUNCTIONS: readonly CelFunction[] = [
  ['isSemver(string): bool', (text: string) => isVersion(text, false)],
  ['isSemver(string, bool): bool', isVersion],
  ['semver(string): Semver', (text: string) => new Semver(text)],
  ['semver(string, bool): Semver', (text: string, lenient: boolean) => new Semver(lenient ? normalized(text) : text)],
  ['Semver.major(): int', ({ numbers: [major] }: Semver) => major],
  ['Semver.minor(): int', ({ numbers: [, minor] }: Semver) => minor],
  ['Semver.patch(): int', ({ numbers: [, , patch] }: Semver) => patch],
  ['Semver.isGreaterThan(Semver): bool', (left: Semver, right: Semver) => left.compare(right) > 0n],
  ['Semver.isLessThan(Semver): bool', (left: Semver, right: Semver) => left.compare(right) < 0n],
  ['Semver.compareTo(Semver): int', (left: Semver, right: Semver) => left.compare(right)],
]

export const SEMVER: CelLibrary = {
  classes: [{ name: 'Semver', of: Semver }],
  functions: FUNCTIONS,
  operators: [['Semver == Semver', (left: Semver, right: unknown) => left.equals(right)]],
}
