/** Quantities. Source: apiserver pkg/cel/library/quantity.go. */
import { canonicalQuantity, quantityInBillionths } from '../../schema/scalars.ts'
import { CelFailure, type CelFunction, type CelLibrary } from './functions.ts'

const UNIT = 1_000_000_000n

class Quantity {
  readonly billionths: bigint

  constructor(of: string | bigint) {
    const billionths = typeof of === 'bigint' ? of : quantityInBillionths(of)
    if (billionths === undefined) {
      const scalar = canonicalQuantity(String(of))
      throw new CelFailure('error' in scalar ? scalar.error : 'not a quantity')
    }
    this.billionths = billionths
  }

  equals(other: unknown): boolean {
    return other instanceof Quantity && other.billionths === this.billionths
  }

  get whole(): bigint | undefined {
    return this.billionths % UNIT === 0n ? this.billionths / UNIT : undefined
  }
}

function asInteger(quantity: Quantity): bigint {
  if (quantity.whole === undefined) throw new CelFailure('cannot convert value to integer')
  return quantity.whole
}

const sign = (value: bigint): bigint => (value > 0n ? 1n : value < 0n ? -1n : 0n)
const plus = (left: Quantity, right: Quantity): Quantity => new Quantity(left.billionths + right.billionths)
const minus = (left: Quantity, right: Quantity): Quantity => new Quantity(left.billionths - right.billionths)

const FUNCTIONS: readonly CelFunction[] = [
  ['isQuantity(string): bool', (text: string) => quantityInBillionths(text) !== undefined],
  ['quantity(string): Quantity', (text: string) => new Quantity(text)],
  ['Quantity.sign(): int', (quantity: Quantity) => sign(quantity.billionths)],
  ['Quantity.isInteger(): bool', (quantity: Quantity) => quantity.whole !== undefined],
  ['Quantity.asInteger(): int', asInteger],
  ['Quantity.asApproximateFloat(): double', (quantity: Quantity) => Number(quantity.billionths) / Number(UNIT)],
  ['Quantity.add(Quantity): Quantity', plus],
  ['Quantity.add(int): Quantity', (quantity: Quantity, by: bigint) => new Quantity(quantity.billionths + by * UNIT)],
  ['Quantity.sub(Quantity): Quantity', minus],
  ['Quantity.sub(int): Quantity', (quantity: Quantity, by: bigint) => new Quantity(quantity.billionths - by * UNIT)],
  ['Quantity.isGreaterThan(Quantity): bool', (left: Quantity, right: Quantity) => left.billionths > right.billionths],
  ['Quantity.isLessThan(Quantity): bool', (left: Quantity, right: Quantity) => left.billionths < right.billionths],
  ['Quantity.compareTo(Quantity): int', (left: Quantity, right: Quantity) => sign(left.billionths - right.billionths)],
]

export const QUANTITY: CelLibrary = {
  classes: [{ name: 'Quantity', of: Quantity }],
  functions: FUNCTIONS,
  operators: [['Quantity == Quantity', (left: Quantity, right: unknown) => left.equals(right)]],
}
