import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { KubeClient } from '../kube/client.ts'
import type { AddressWorld } from './address-world.ts'
import { PoolStatus } from './pool-status.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const OBJECT = { metadata: { namespace: 'default', name: 'first' }, spec: {} }
const counting = (ipv4: number) => ({
  countsOf: () => ({ assigned: { ipv4, ipv6: 0 }, total: { ipv4: 256n, ipv6: 0n } }),
  findings: [],
})

function statusWith(patch: (status: { readonly assignedIPv4: number }) => Promise<unknown>): PoolStatus {
  const client = {
    patch: (_resource: unknown, _name: unknown, { status }: { status: { assignedIPv4: number } }) => patch(status),
  }
  const world = { poolObjects: new Map([['default/first', OBJECT]]), findingsOf: () => [] }
  const signal = new AbortController().signal
  return new PoolStatus({ client: client as unknown as KubeClient, world: world as unknown as AddressWorld, signal })
}

test('what could not be written is tried again', async () => {
  const patch = vi.fn().mockRejectedValueOnce(new Error('the server is away')).mockResolvedValue({})
  statusWith(patch).show(counting(1))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(patch).toHaveBeenCalledTimes(2)
})

test('a count that is slow to be written does not overwrite a newer one', async () => {
  const slow = Promise.withResolvers<void>()
  const written: number[] = []
  const status = statusWith(async ({ assignedIPv4 }) => {
    if (assignedIPv4 === 1) await slow.promise
    written.push(assignedIPv4)
  })
  status.show(counting(1))
  await vi.advanceTimersByTimeAsync(300)
  status.show(counting(2))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(written).toEqual([])
  slow.resolve()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(written).toEqual([1, 2])
})

test('who does not lead writes nothing', async () => {
  const patch = vi.fn().mockResolvedValue({})
  const status = statusWith(patch)
  status.show(counting(1))
  status.show(undefined)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(patch).not.toHaveBeenCalled()
})
