/** What containers ask for and may use at most. */
import { quantityInBillionths } from '../../schema/scalars.ts'
import * as check from '../check.ts'
import type { Container } from './types.ts'

/**
 * What is wrong with a container's resources: amounts below zero, and requests above limits.
 *
 * Source: pkg/apis/core/validation ValidateContainerResourceRequirements; by name of the resource, as quantities are a map.
 */
export function resourceErrors(
  path: string,
  { limits = {}, requests = {} }: NonNullable<Container['resources']>,
): check.FieldErrors {
  return [
    ...sorted(limits).flatMap(([name, amount]) => negative(`${path}.limits[${name}]`, amount)),
    ...sorted(requests).flatMap(([name, amount]) => [
      ...negative(`${path}.requests[${name}]`, amount),
      ...aboveLimit(`${path}.requests`, name, amount, limits[name]),
    ]),
  ]
}

const sorted = (amounts: Readonly<Record<string, string>>): (readonly [string, string])[] =>
  Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1))

function negative(field: string, amount: string): check.FieldErrors {
  const isNegative = (quantityInBillionths(amount) ?? 0n) < 0n
  return isNegative ? [check.invalid(field, amount, 'must be greater than or equal to 0')] : []
}

function aboveLimit(field: string, name: string, amount: string, limit: string | undefined): check.FieldErrors {
  if (limit === undefined || (quantityInBillionths(amount) ?? 0n) <= (quantityInBillionths(limit) ?? 0n)) return []
  return [check.invalid(field, amount, `must be less than or equal to ${name} limit of ${limit}`)]
}
