import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aPort, aRequest } from '../../test/support/address-request.ts'
import { aPool } from '../../test/support/load-balancer.ts'
import { familyOf } from '../model/datapath.ts'
import type { AddressClaim, AddressPool, AddressRequest } from '../model/load-balancer.ts'
import { type AddressChange, type AddressPlanner, createAddressPlanner } from './load-balancer-address.ts'

const POOLS: readonly AddressPool[] = [
  aPool('small', ['192.168.9.0-192.168.9.2']),
  aPool('dual', ['192.168.10.0-192.168.10.1', 'fd00:9::-fd00:9::2']),
  { ...aPool('small', ['192.168.9.1-192.168.9.3']), mayMove: true }, // an edit of the first one
  aPool('later', ['192.168.9.2-192.168.9.5', 'fd00:a::-fd00:a::1']),
]
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

const request = fc
  .record({
    name: fc.constantFrom(...NAMES),
    dual: fc.boolean(),
    needsAll: fc.boolean(),
    sharingKey: fc.constantFrom('', '', 'k'),
    port: fc.constantFrom(80, 81),
    createdAtInMs: fc.nat({ max: 5 }),
    address: fc.constantFrom('', '', '192.168.9.1', '192.168.10.0'),
    pool: fc.constantFrom('', '', 'dual'),
  })
  .map(({ name, dual, port, address, ...more }) =>
    aRequest(`ns/${name}`, {
      ...more,
      families: dual ? ['ipv4', 'ipv6'] : ['ipv4'],
      ports: [aPort(port)],
      addresses: address === '' ? [] : [address],
    }),
  )

type Step =
  | { readonly kind: 'ask'; readonly request: AddressRequest }
  | { readonly kind: 'leave'; readonly name: string }
  | { readonly kind: 'pool'; readonly at: number }
  | { readonly kind: 'settle' }
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: request.map((one): Step => ({ kind: 'ask', request: one })) },
    { weight: 2, arbitrary: fc.constantFrom(...NAMES).map((name): Step => ({ kind: 'leave', name })) },
    { weight: 1, arbitrary: fc.nat({ max: POOLS.length - 1 }).map((at): Step => ({ kind: 'pool', at })) },
    { weight: 2, arbitrary: fc.constant<Step>({ kind: 'settle' }) },
  ),
  { maxLength: 40 },
)

/** A cluster whose controller carries out what is planned now and then. */
class Cluster {
  readonly pools = new Map<string, AddressPool>()
  readonly claims = new Map<string, AddressClaim>()
  readonly requests = new Map<string, AddressRequest>()
  readonly namespaces = new Map<string, { readonly labels: Readonly<Record<string, string>> }>()
  readonly planner = createAddressPlanner()

  constructor() {
    for (const pool of POOLS.slice(0, 2)) this.pools.set(pool.key, pool)
    this.planner.update(this, [])
  }

  take(step: Step): void {
    if (step.kind === 'settle') this.settle()
    else this.planner.update(this, [this.apply(step)])
  }

  /** Claims become what is planned: first those that are given up go, then the others come. */
  settle(): void {
    for (let round = 0; round < 10; round++) {
      const wanted = new Map<string, AddressClaim>()
      for (const key of this.planner.services)
        for (const address of this.planner.given(key).addresses) {
          const holders = [...this.planner.holdersOf(address)].toSorted()
          wanted.set(address, { address, pool: this.planner.given(key).pool, holders })
        }
      const addresses = [...new Set([...this.claims.keys(), ...wanted.keys()])]
      const changed = addresses.filter(
        (address) => JSON.stringify(this.claims.get(address)) !== JSON.stringify(wanted.get(address)),
      )
      if (changed.length === 0) return
      for (const address of changed) {
        const claim = wanted.get(address)
        if (claim === undefined) this.claims.delete(address)
        else this.claims.set(address, claim)
      }
      this.planner.update(
        this,
        changed.map((key): AddressChange => ({ kind: 'claim', key })),
      )
    }
    throw new Error('what is planned never comes to rest')
  }

  private apply(step: Exclude<Step, { kind: 'settle' }>): AddressChange {
    if (step.kind === 'ask') {
      this.requests.set(step.request.key, step.request)
      return { kind: 'request', key: step.request.key }
    }
    if (step.kind === 'leave') {
      this.requests.delete(`ns/${step.name}`)
      return { kind: 'request', key: `ns/${step.name}` }
    }
    const pool = POOLS[step.at] as AddressPool
    this.pools.set(pool.key, pool)
    return { kind: 'pool', key: pool.key }
  }
}

function givenBy(planner: AddressPlanner): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(NAMES.map((name) => [name, planner.given(`ns/${name}`).addresses]))
}

test('whatever happens, an address is never another’s who may not share it, and fits who has it', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const cluster = new Cluster()
      for (const step of history) {
        cluster.take(step)
        for (const key of cluster.planner.services) {
          const one = cluster.requests.get(key) as AddressRequest
          for (const address of cluster.planner.given(key).addresses) {
            expect(one.families).toContain(familyOf(address))
            for (const other of cluster.planner.holdersOf(address)) {
              if (other === key) continue
              const two = cluster.requests.get(other) as AddressRequest
              expect([one.sharingKey, two.sharingKey]).toEqual(['k', 'k'])
              expect(one.ports[0]?.port).not.toBe(two.ports[0]?.port)
            }
          }
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a planner that begins anew finds all as it was, once what was planned is claimed', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const cluster = new Cluster()
      for (const step of history) cluster.take(step)
      cluster.settle()
      const anew = createAddressPlanner()
      anew.update(cluster, [])
      expect(givenBy(anew)).toEqual(givenBy(cluster.planner))
    }),
    { numRuns: 300 },
  )
})

test('batches of changes, and changes that come twice, keep to the same rules and come to rest', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 2, max: 6 }), (history, size) => {
      const cluster = new Cluster()
      for (let at = 0; at < history.length; at += size) {
        for (const step of history.slice(at, at + size)) cluster.take(step)
        const all = [...cluster.requests.keys(), ...NAMES.map((name) => `ns/${name}`)]
        cluster.settle()
        const before = givenBy(cluster.planner)
        cluster.planner.update(
          cluster,
          [...all, ...all].map((key): AddressChange => ({ kind: 'request', key })),
        )
        expect(givenBy(cluster.planner)).toEqual(before)
      }
    }),
    { numRuns: 150 },
  )
})
