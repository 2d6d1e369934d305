import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Drain } from '../../model/bgp.ts'
import type { Node } from '../../model/world.ts'
import { DrainClock, isToDrain } from './drain-clock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function clock(withdrawAfterInMs = 5_000) {
  const seen: Drain[] = []
  const made: DrainClock = new DrainClock({ withdrawAfterInMs, closeAfterInMs: 10_000, onChange: () => seen.push(made.phase) })
  return { clock: made, seen }
}

test('a node that drains is discouraged at once, withdrawn after 5 s, closed after 10 s more', () => {
  const { clock: drain, seen } = clock()
  drain.set(true)
  expect(seen).toEqual(['discouraged'])
  vi.advanceTimersByTime(4_999)
  drain.set(true)
  expect(seen).toEqual(['discouraged'])
  vi.advanceTimersByTime(1)
  expect(seen).toEqual(['discouraged', 'withdrawn'])
  vi.advanceTimersByTime(9_999)
  expect(drain.phase).toBe('withdrawn')
  vi.advanceTimersByTime(1)
  expect(seen).toEqual(['discouraged', 'withdrawn', 'closed'])
})

test.each([0, 5_000, 20_000])('it is back in use at once, after %i ms, and nothing of the old clock comes later', (afterInMs) => {
  const { clock: drain, seen } = clock()
  drain.set(true)
  vi.advanceTimersByTime(afterInMs)
  drain.set(false)
  expect(drain.phase).toBe('none')
  const before = seen.length
  vi.advanceTimersByTime(60_000)
  expect(seen.length).toBe(before)
  drain.set(true)
  vi.advanceTimersByTime(4_999)
  expect(drain.phase).toBe('discouraged')
})

test('a new agent goes on where the old one stood', () => {
  const { clock: drain, seen } = clock()
  drain.resume('withdrawn')
  drain.set(true)
  expect(seen).toEqual([])
  vi.advanceTimersByTime(10_000)
  expect(seen).toEqual(['closed'])
})

test('a new agent on a node that no longer drains brings it back', () => {
  const { clock: drain, seen } = clock()
  drain.resume('closed')
  drain.set(false)
  expect(seen).toEqual(['none'])
})

test('with no time to withdraw after, routes stay discouraged', () => {
  const { clock: drain, seen } = clock(Number.POSITIVE_INFINITY)
  drain.resume('closed')
  drain.set(true)
  vi.advanceTimersByTime(600_000)
  expect(drain.phase).toBe('discouraged')
  expect(seen).toEqual([])
})

test('what makes a node drain', () => {
  const node: Node = {
    name: 'n1',
    addresses: [],
    podCIDRs: [],
    labels: {},
    zone: '',
    ready: true,
    unschedulable: false,
    networkUnavailable: false,
    leaving: false,
  }
  expect(isToDrain(undefined)).toBe(false)
  expect(isToDrain(node)).toBe(false)
  expect(isToDrain({ ...node, unschedulable: true })).toBe(true)
  expect(isToDrain({ ...node, networkUnavailable: true })).toBe(true)
  expect(isToDrain({ ...node, leaving: true })).toBe(true)
  expect(isToDrain({ ...node, labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } })).toBe(true)
})
