/** Functions of lists and sets. Source: apiserver pkg/cel/library/lists.go, cel-go ext/sets.go. */
import { celEqual } from './equality.ts'
import { CelFailure, type CelFunction, type CelLibrary } from './functions.ts'

type List = readonly unknown[]

/** Numbers and dates compare by value; everything else as it is. */
const less = (left: unknown, right: unknown): boolean => (left as number) < (right as number)

const contains = (list: List, value: unknown): boolean => list.some((item) => celEqual(item, value))

function extreme(list: List, name: string, better: (left: unknown, right: unknown) => boolean): unknown {
  const [first, ...rest] = list
  if (first === undefined) throw new CelFailure(`${name} called on empty list`)
  return rest.reduce((found, next) => (better(next, found) ? next : found), first)
}

function sum(list: List): unknown {
  if (list.length === 0) return 0n
  return list.reduce((total, next) => (total as number) + (next as number))
}

class Sets {}

const FUNCTIONS: readonly CelFunction[] = [
  ['list<A>.isSorted(): bool', (list: List) => list.every((item, index) => index === 0 || !less(item, list[index - 1]))],
  ['list<A>.sum(): A', sum],
  ['list<A>.min(): A', (list: List) => extreme(list, 'min', less)],
  ['list<A>.max(): A', (list: List) => extreme(list, 'max', (left, right) => less(right, left))],
  ['list<A>.indexOf(A): int', (list: List, value: unknown) => BigInt(list.findIndex((item) => celEqual(item, value)))],
  ['list<A>.lastIndexOf(A): int', (list: List, value: unknown) => BigInt(list.findLastIndex((item) => celEqual(item, value)))],
  [
    'SetsNamespace.contains(list<A>, list<A>): bool',
    (_: Sets, list: List, part: List) => part.every((item) => contains(list, item)),
  ],
  [
    'SetsNamespace.equivalent(list<A>, list<A>): bool',
    (_: Sets, left: List, right: List) =>
      left.every((item) => contains(right, item)) && right.every((item) => contains(left, item)),
  ],
  [
    'SetsNamespace.intersects(list<A>, list<A>): bool',
    (_: Sets, left: List, right: List) => left.some((item) => contains(right, item)),
  ],
]

export const LISTS: CelLibrary = {
  classes: [{ name: 'SetsNamespace', of: Sets, constant: { name: 'sets', value: new Sets() } }],
  functions: FUNCTIONS,
}
