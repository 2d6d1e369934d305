/** Equality of CEL values. */
import { CelObject } from './object.ts'

/** Object values of types of ours say themselves when they are equal. */
interface Comparable {
  equals(other: unknown): boolean
}

const isComparable = (value: unknown): value is Comparable =>
  typeof value === 'object' && value !== null && 'equals' in value && typeof value.equals === 'function'

/** As `==` has it: numbers across their types, lists and maps by their members. */
export function celEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of the same value are equal in CEL.
  if (isNumber(left) && isNumber(right)) return left == right
  if (left instanceof CelObject) return CelObject.same(left, right)
  if (isComparable(left)) return left.equals(right)
  if (left instanceof Date) return right instanceof Date && left.getTime() === right.getTime()
  if (Array.isArray(left))
    return Array.isArray(right) && left.length === right.length && left.every((item, index) => celEqual(item, right[index]))
  if (left instanceof Map && right instanceof Map)
    return left.size === right.size && [...left].every(([key, value]) => right.has(key) && celEqual(value, right.get(key)))
  return false
}

const isNumber = (value: unknown): value is bigint | number => typeof value === 'bigint' || typeof value === 'number'
