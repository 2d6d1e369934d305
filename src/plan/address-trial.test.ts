import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aPort, aRequest } from '../../test/support/address-request.ts'
import { aPool, byKey } from '../../test/support/load-balancer.ts'
import type { AddressClaim, AddressPool, AddressRequest } from '../model/load-balancer.ts'
import { settleAddresses, tryPools, withPools } from './address-trial.ts'
import { createAddressPlanner } from './load-balancer-address.ts'

interface World {
  readonly pools: readonly AddressPool[]
  readonly requests: readonly AddressRequest[]
  readonly claims?: readonly AddressClaim[]
}

function input({ pools, requests, claims = [] }: World) {
  return {
    pools: byKey(...pools),
    requests: byKey(...requests),
    claims: new Map(claims.map((claim) => [claim.address, claim])),
    namespaces: new Map(),
  }
}

function claim(address: string, ...holders: readonly string[]): AddressClaim {
  return { address, pool: 'p', holders }
}

/** What each Service has before and after, and the codes that are found after. */
function outcome(world: World, after: readonly AddressPool[]) {
  const trial = tryPools(input(world), byKey(...after))
  const has = ({ given }: typeof trial.before) =>
    Object.fromEntries([...given].map(([key, { addresses }]) => [key, addresses.join()]))
  return { before: has(trial.before), after: has(trial.after), codes: trial.after.findings.map(({ code }) => code.code) }
}

const p = (spans: readonly string[], part: Partial<AddressPool> = {}) => aPool('p', spans, part)

test('a pool that grows serves who waits', () => {
  const requests = ['d/a', 'd/b'].map((key, at) => aRequest(key, { createdAtInMs: at }))
  expect(outcome({ pools: [p(['10.0.0.1'])], requests }, [p(['10.0.0.1-10.0.0.2'])])).toEqual({
    before: { 'd/a': '10.0.0.1' },
    after: { 'd/a': '10.0.0.1', 'd/b': '10.0.0.2' },
    codes: [],
  })
})

test('a pool that shrinks: who has an address keeps it, until the author says that it may go', () => {
  const world = { pools: [p(['10.0.0.1-10.0.0.9'])], requests: [aRequest('d/a')], claims: [claim('10.0.0.1', 'd/a')] }
  const kept = outcome(world, [p(['10.0.0.5-10.0.0.9'])])
  expect(kept).toMatchObject({ after: { 'd/a': '10.0.0.1' }, codes: ['FW0608'] })
  const moved = outcome(world, [p(['10.0.0.5-10.0.0.9'], { mayMove: true })])
  expect(moved).toMatchObject({ after: { 'd/a': '10.0.0.5' }, codes: [] })
})

test("a chain of Services that take each other's addresses is followed to its end", () => {
  const requests = [
    aRequest('d/old', { current: ['10.0.0.1'] }),
    aRequest('d/wants', { addresses: ['10.0.0.1'], createdAtInMs: 1 }),
  ]
  const world = { pools: [p(['10.0.0.1-10.0.0.2'])], requests, claims: [claim('10.0.0.1', 'd/old')] }
  const q = aPool('q', ['10.0.0.1'], { createdAtInMs: 5, reserved: { namespaces: [], namespaceSelectors: [], services: [] } })
  expect(outcome(world, [p(['10.0.0.2'], { mayMove: true }), q]).before).toEqual({ 'd/old': '10.0.0.1' })
  const only = { ...q, reserved: { namespaces: ['e'], namespaceSelectors: [], services: [] } }
  const asked = { ...world, requests: [requests[0] as AddressRequest, aRequest('e/wants', { addresses: ['10.0.0.1'] })] }
  expect(outcome(asked, [p(['10.0.0.2'], { mayMove: true }), only])).toMatchObject({
    before: { 'd/old': '10.0.0.1' },
    after: { 'd/old': '10.0.0.2', 'e/wants': '10.0.0.1' },
  })
})

test('a pool that goes takes no address with it, and serves nobody new', () => {
  const requests = [aRequest('d/a', { current: ['10.0.0.1'] }), aRequest('d/b', { createdAtInMs: 1 })]
  const world = { pools: [p(['10.0.0.1-10.0.0.2'])], requests, claims: [claim('10.0.0.1', 'd/a')] }
  expect(outcome(world, [])).toEqual({
    before: { 'd/a': '10.0.0.1', 'd/b': '10.0.0.2' },
    after: { 'd/a': '10.0.0.1', 'd/b': '10.0.0.2' },
    codes: ['FW0608', 'FW0608'],
  })
})

test('a pool of the file has the place of the one of its key, and its age', () => {
  const pools = withPools(byKey(p(['10.0.0.1'], { createdAtInMs: 7 })), [
    p(['10.0.0.2'], { createdAtInMs: 99 }),
    aPool('q', ['10.0.0.3'], { createdAtInMs: 99 }),
  ])
  expect([...pools.values()].map(({ name, createdAtInMs }) => [name, createdAtInMs])).toEqual([
    ['p', 7],
    ['q', 99],
  ])
})

const someRequests = fc
  .uniqueArray(fc.record({ at: fc.nat(9), port: fc.constantFrom(80, 443), key: fc.constantFrom('', 's'), asks: fc.nat(12) }), {
    selector: ({ at }) => at,
    maxLength: 8,
  })
  .map((all) =>
    all.map(({ at, port, key, asks }) =>
      aRequest(`d/s${at}`, {
        createdAtInMs: at,
        sharingKey: key,
        ports: [aPort(port)],
        addresses: asks < 3 ? [`10.0.0.${asks + 1}`] : [],
      }),
    ),
  )
const somePools = fc
  .uniqueArray(fc.record({ at: fc.nat(3), from: fc.integer({ min: 1, max: 5 }), many: fc.nat(4), mayMove: fc.boolean() }), {
    selector: ({ at }) => at,
    maxLength: 3,
  })
  .map((all) =>
    all.map(({ at, from, many, mayMove }) =>
      aPool(`p${at}`, [`10.0.0.${from}-10.0.0.${from + many}`], { createdAtInMs: at, mayMove }),
    ),
  )

test('what is settled is settled: nothing more would happen, and no two have an address that they may not share', () => {
  fc.assert(
    fc.property(someRequests, somePools, somePools, (requests, pools, others) => {
      const { after } = tryPools(input({ pools, requests }), byKey(...others))
      const holders = Map.groupBy(
        [...after.given].flatMap(([key, { addresses, pool }]) => addresses.map((address) => ({ key, address, pool }))),
        ({ address }) => address,
      )
      const claims = new Map(
        [...holders].map(([address, all]) => [
          address,
          { address, pool: all[0]?.pool ?? '', holders: all.map(({ key }) => key).sort() },
        ]),
      )
      const byName = new Map(requests.map((request) => [request.key, request]))
      for (const all of holders.values()) {
        const ports = all.map(({ key }) => byName.get(key)?.ports[0]?.port)
        expect(new Set(ports).size).toBe(all.length)
        if (all.length > 1) expect(all.every(({ key }) => byName.get(key)?.sharingKey === 's')).toBe(true)
      }
      const current = requests.map((request) => ({ ...request, current: after.given.get(request.key)?.addresses ?? [] }))
      const again = settleAddresses({ ...input({ pools: others, requests: current }), claims })
      expect(again.given).toEqual(after.given)
    }),
  )
})

test('without another pool it is what the planner gives', () => {
  fc.assert(
    fc.property(someRequests, somePools, (requests, pools) => {
      const world = input({ pools, requests })
      const planner = createAddressPlanner()
      planner.update(world, [])
      const { before, after } = tryPools(world, world.pools)
      expect(before.given).toEqual(
        new Map(
          [...planner.services].map((key) => [key, { addresses: planner.given(key).addresses, pool: planner.given(key).pool }]),
        ),
      )
      expect(after).toEqual(before)
    }),
  )
})
