import { describe, expect, it, test } from 'vitest'
import { aPort, aRequest } from '../../test/support/address-request.ts'
import { aPool, byKey } from '../../test/support/load-balancer.ts'
import type { AddressClaim, AddressPool, AddressRequest } from '../model/load-balancer.ts'
import { type AddressChange, type AddressInput, type AddressPlanner, createAddressPlanner } from './load-balancer-address.ts'

const DEMO = aPool('demo', ['192.168.9.0-192.168.9.255'])
const DUAL = aPool('dual', ['192.168.9.0-192.168.9.1', 'fd00:9::-fd00:9::ffff:ffff:ffff:ffff'])
const BOTH = { families: ['ipv4', 'ipv6'] as const }

/** What a test says and changes. */
class Cluster {
  readonly pools = new Map<string, AddressPool>()
  readonly claims = new Map<string, AddressClaim>()
  readonly requests = new Map<string, AddressRequest>()
  readonly namespaces = new Map<string, { readonly labels: Readonly<Record<string, string>> }>()
  readonly planner: AddressPlanner = createAddressPlanner()

  constructor(pools: readonly AddressPool[], requests: readonly AddressRequest[] = [], claims: readonly AddressClaim[] = []) {
    for (const pool of pools) this.pools.set(pool.key, pool)
    for (const request of requests) this.requests.set(request.key, request)
    for (const claim of claims) this.claims.set(claim.address, claim)
    this.planner.update(this, [])
  }

  ask(...requests: readonly AddressRequest[]): ReadonlySet<string> {
    for (const request of requests) this.requests.set(request.key, request)
    return this.tell(requests.map(({ key }) => ({ kind: 'request', key })))
  }

  leave(key: string): ReadonlySet<string> {
    this.requests.delete(key)
    return this.tell([{ kind: 'request', key }])
  }

  pool(...pools: readonly AddressPool[]): ReadonlySet<string> {
    for (const pool of pools) this.pools.set(pool.key, pool)
    return this.tell(pools.map(({ key }) => ({ kind: 'pool', key })))
  }

  claim(address: string, holders: readonly string[], pool = 'demo'): ReadonlySet<string> {
    if (holders.length === 0) this.claims.delete(address)
    else this.claims.set(address, { address, pool, holders })
    return this.tell([{ kind: 'claim', key: address }])
  }

  tell(changes: readonly AddressChange[]): ReadonlySet<string> {
    return this.planner.update(this as AddressInput, changes)
  }

  has(key: string): readonly string[] {
    return this.planner.given(key).addresses
  }

  codes(key: string): readonly string[] {
    return this.planner.findingsOf(key).map(({ code }) => code.name)
  }
}

describe('who asks for what nobody can give', () => {
  const pools = [
    DEMO,
    aPool('theirs', ['10.0.0.1'], { reserved: { namespaces: ['them'], namespaceSelectors: [], services: [] } }),
  ]
  const slips = [
    ['a list that cannot be read', { isUnreadable: true }, []],
    ['an address of no pool', { addresses: ['192.168.99.5'] }, ['ADDRESS_IN_NO_POOL']],
    ['two of one family', { addresses: ['192.168.9.5', '192.168.9.6'] }, ['ADDRESS_REQUEST_INVALID']],
    ['a pool that is not there', { pool: 'dmeo' }, ['ADDRESS_POOL_UNKNOWN']],
    ['a pool for others', { pool: 'theirs' }, ['ADDRESS_POOL_NOT_FOR_SERVICE']],
    ['an address of a pool for others', { addresses: ['10.0.0.1'] }, ['ADDRESS_POOL_NOT_FOR_SERVICE']],
  ] as const
  it.each(slips)('%s: keeps what it has until it asks for something else', (_name, part, codes) => {
    const cluster = new Cluster(pools, [aRequest('default/a')])
    cluster.claim('192.168.9.0', ['default/a'])
    cluster.ask(aRequest('default/a', { ...part, current: ['192.168.9.0'] }), aRequest('default/b'))
    expect([cluster.has('default/a'), cluster.has('default/b')]).toEqual([['192.168.9.0'], ['192.168.9.1']])
    expect(cluster.codes('default/a')).toEqual(codes)
    cluster.ask(aRequest('default/a', { addresses: ['192.168.9.7'] }))
    expect([cluster.has('default/a'), cluster.codes('default/a')]).toEqual([['192.168.9.7'], []])
  })

  it.each(slips)('%s: is given nothing in its place', (_name, part, codes) => {
    const cluster = new Cluster(pools, [aRequest('default/a', part)])
    expect([cluster.has('default/a'), cluster.codes('default/a')]).toEqual([[], codes])
  })
})

describe('what a Service is given', () => {
  it('is the lowest free address, the first one included', () => {
    const cluster = new Cluster([DEMO], [aRequest('a/one'), aRequest('a/two')])
    expect(cluster.planner.given('a/one')).toMatchObject({ addresses: ['192.168.9.0'], pool: 'demo' })
    expect(cluster.has('a/two')).toEqual(['192.168.9.1'])
    expect(cluster.planner.counts(DEMO.key)).toEqual({ assigned: { ipv4: 2, ipv6: 0 }, total: { ipv4: 256n, ipv6: 0n } })
  })

  it('goes to the older Service first, then by name', () => {
    const cluster = new Cluster([DEMO], [aRequest('a/young', { createdAtInMs: 2 }), aRequest('b/old', { createdAtInMs: 1 })])
    cluster.ask(aRequest('z/z', { createdAtInMs: 3 }), aRequest('c/c', { createdAtInMs: 3 }))
    expect(['b/old', 'a/young', 'c/c', 'z/z'].map((key) => cluster.has(key)[0])).toEqual([
      '192.168.9.0',
      '192.168.9.1',
      '192.168.9.2',
      '192.168.9.3',
    ])
  })

  it('is free for others when the Service is gone, but not before its claim is', () => {
    const claim = { address: '192.168.9.0', pool: 'demo', holders: ['a/one'] }
    const cluster = new Cluster([aPool('demo', ['192.168.9.0'])], [aRequest('a/one'), aRequest('a/two')], [claim])
    expect(cluster.codes('a/two')).toEqual(['ADDRESS_POOL_EXHAUSTED'])
    cluster.leave('a/one')
    expect([cluster.has('a/one'), cluster.has('a/two')]).toEqual([[], []])
    expect(cluster.claim('192.168.9.0', [])).toContain('a/two')
    expect([cluster.has('a/two'), cluster.codes('a/two')]).toEqual([['192.168.9.0'], []])
  })

  it('does not change with what it does not depend on', () => {
    const cluster = new Cluster([DEMO], [aRequest('a/one'), aRequest('a/two')])
    cluster.leave('a/one')
    cluster.ask(aRequest('a/two', { ports: [aPort(81)], labels: { app: 'x' }, pool: 'demo' }))
    expect(cluster.has('a/two')).toEqual(['192.168.9.1'])
  })

  it('is what claims say, whatever is lower; and what its status says, when nobody has it', () => {
    const claims = [{ address: '192.168.9.9', pool: 'demo', holders: ['a/claims'] }]
    const current = (address: string) => ({ current: [address] })
    const cluster = new Cluster(
      [DEMO],
      [
        aRequest('a/claims'),
        aRequest('a/first'),
        aRequest('a/thief', current('192.168.9.9')),
        aRequest('z/status', current('192.168.9.0')),
        aRequest('z/outside', current('10.0.0.1')),
      ],
      claims,
    )
    const has = ['a/claims', 'a/first', 'a/thief', 'z/status', 'z/outside'].map((key) => cluster.has(key)[0])
    expect(has).toEqual(['192.168.9.9', '192.168.9.1', '192.168.9.2', '192.168.9.0', '192.168.9.3'])
  })

  it('is another one when the Service asks for it', () => {
    const cluster = new Cluster([DEMO, aPool('other', ['192.168.8.0'])], [aRequest('a/one')])
    cluster.ask(aRequest('a/one', { addresses: ['192.168.9.7'] }))
    expect(cluster.has('a/one')).toEqual(['192.168.9.7'])
    cluster.ask(aRequest('a/one', { pool: 'other' }))
    expect(cluster.planner.given('a/one')).toMatchObject({ addresses: ['192.168.8.0'], pool: 'other' })
  })

  it('leaves out .0 and .255 where the pool says so', () => {
    const pool = aPool('shy', ['192.168.9.254-192.168.10.1'], { avoidsBuggyAddresses: true })
    const cluster = new Cluster([pool], [aRequest('a/one'), aRequest('a/two'), aRequest('a/three')])
    expect(['a/one', 'a/three', 'a/two'].map((key) => cluster.has(key)[0])).toEqual(['192.168.9.254', '192.168.10.1', undefined])
    expect(cluster.planner.counts(pool.key).total.ipv4).toBe(2n)
  })
})

describe('which pool', () => {
  const reserved = (namespaces: readonly string[]) => ({ namespaces, namespaceSelectors: [], services: [] })
  const pools = [
    aPool('b-all', ['10.0.0.1']),
    aPool('a-named', ['10.0.0.2'], { autoAssign: false }),
    aPool('z-last', ['10.0.0.3'], { reserved: reserved(['a']), priority: 0 }),
    aPool('z-first', ['10.0.0.4'], { reserved: reserved(['a']), priority: 5 }),
    aPool('y-first', ['10.0.0.5'], { reserved: reserved(['a']), priority: 5 }),
  ]

  it('is one that is kept for the Service by priority and name, then one for everybody', () => {
    const keys = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5']
    const cluster = new Cluster(
      pools,
      keys.map((key) => aRequest(key)),
    )
    expect(keys.map((key) => cluster.planner.given(key).pool)).toEqual(['y-first', 'z-first', 'z-last', 'b-all', ''])
    expect(new Cluster(pools, [aRequest('b/1')]).planner.given('b/1').pool).toBe('b-all')
  })

  it('is chosen by labels of the namespace and of the Service', () => {
    const is = (key: string) => [{ key, is: 'present' as const, values: [] }]
    const pool = aPool('chosen', ['10.0.0.6'], {
      reserved: { namespaces: [], namespaceSelectors: [is('team')], services: [is('app')] },
    })
    const cluster = new Cluster([pool], [aRequest('a/1', { labels: { app: 'x' } })])
    expect(cluster.codes('a/1')).toEqual(['ADDRESS_NO_POOL'])
    cluster.namespaces.set('a', { labels: { team: 'x' } })
    cluster.tell([{ kind: 'namespace', key: 'a' }])
    expect(cluster.has('a/1')).toEqual(['10.0.0.6'])
    cluster.ask(aRequest('a/2'))
    expect(cluster.codes('a/2')).toEqual(['ADDRESS_NO_POOL'])
  })

  const asked: readonly (readonly [string, Partial<AddressRequest>, readonly string[]])[] = [
    ['one by name', { pool: 'a-named' }, []],
    ['one that is not there', { pool: 'none' }, ['ADDRESS_POOL_UNKNOWN']],
    ['one for others', { pool: 'z-first' }, ['ADDRESS_POOL_NOT_FOR_SERVICE']],
    ['an address of one for others', { addresses: ['10.0.0.4'] }, ['ADDRESS_POOL_NOT_FOR_SERVICE']],
    ['an address of one that gives none by itself', { addresses: ['10.0.0.2'] }, []],
    ['an address of another pool than it asks for', { addresses: ['10.0.0.1'], pool: 'a-named' }, ['ADDRESS_IN_NO_POOL']],
    ['an address of none', { addresses: ['10.0.0.9'] }, ['ADDRESS_IN_NO_POOL']],
    ['an address of a family that it has not', { addresses: ['fd00::1'] }, ['ADDRESS_REQUEST_INVALID']],
    ['two of one family', { addresses: ['10.0.0.1', '10.0.0.2'] }, ['ADDRESS_REQUEST_INVALID']],
    ['one of two that it needs', { addresses: ['10.0.0.1'], ...BOTH }, ['ADDRESS_REQUEST_INVALID']],
    ['one of two that it would take', { addresses: ['10.0.0.1'], ...BOTH, needsAll: false }, []],
    ['a family that no pool has', { families: ['ipv6'] }, ['ADDRESS_FAMILY_MISSING']],
  ]
  test.each(asked)('%s', (_, part, codes) => {
    const cluster = new Cluster(pools, [aRequest('b/asks', part)])
    expect([cluster.codes('b/asks'), cluster.has('b/asks').length]).toEqual([codes, codes.length === 0 ? 1 : 0])
  })
})

describe('families', () => {
  it('come from one pool, of 2^64 addresses too', () => {
    const four = aPool('a-four', ['10.0.0.0-10.0.0.9'])
    const cluster = new Cluster([four, DUAL], [aRequest('a/1', BOTH), aRequest('a/2', { families: ['ipv6', 'ipv4'] })])
    expect(cluster.planner.given('a/1')).toMatchObject({ addresses: ['192.168.9.0', 'fd00:9::'], pool: 'dual' })
    expect(cluster.has('a/2')).toEqual(['fd00:9::1', '192.168.9.1'])
    expect(cluster.planner.counts(DUAL.key).total.ipv6).toBe(2n ** 64n)
    cluster.ask(aRequest('a/3', BOTH), aRequest('a/4', { ...BOTH, needsAll: false }))
    expect([cluster.has('a/3'), cluster.codes('a/3')]).toEqual([[], ['ADDRESS_POOL_EXHAUSTED']])
    expect([cluster.has('a/4'), cluster.codes('a/4')]).toEqual([['10.0.0.0'], []])
  })

  it('are added to what a Service has, and taken away from it', () => {
    const cluster = new Cluster([DUAL], [aRequest('a/1')])
    cluster.ask(aRequest('a/1', BOTH))
    expect(cluster.has('a/1')).toEqual(['192.168.9.0', 'fd00:9::'])
    cluster.ask(aRequest('a/1', { families: ['ipv6'] }))
    expect(cluster.has('a/1')).toEqual(['fd00:9::'])
  })
})

describe('sharing', () => {
  const key = { sharingKey: 'k' }

  it('joins Services with the same key and other ports', () => {
    const cluster = new Cluster([DEMO], [aRequest('a/1', key), aRequest('a/2', { ...key, ports: [aPort(443)] })])
    expect([cluster.has('a/1'), cluster.has('a/2')]).toEqual([['192.168.9.0'], ['192.168.9.0']])
    expect([...cluster.planner.holdersOf('192.168.9.0')]).toEqual(['a/1', 'a/2'])
    expect(cluster.planner.counts(DEMO.key).assigned.ipv4).toBe(1)
    cluster.leave('a/1')
    cluster.ask(aRequest('a/3'))
    expect([cluster.has('a/2'), cluster.has('a/3')]).toEqual([['192.168.9.0'], ['192.168.9.1']])
  })

  const others: readonly (readonly [string, Partial<AddressRequest>, boolean])[] = [
    ['the same port', { ...key }, false],
    ['the same port of another protocol', { ...key, ports: [{ protocol: 'udp', port: 80 }] }, true],
    ['no key', { ports: [aPort(1)] }, false],
    ['another key', { sharingKey: 'l', ports: [aPort(1)] }, false],
    ['other backends', { ...key, ports: [aPort(1)], localBackends: 'x' }, false],
  ]
  test.each(others)('asking for the address with %s', (_, part, may) => {
    const cluster = new Cluster([DEMO], [aRequest('a/1', key), aRequest('b/2', { ...part, addresses: ['192.168.9.0'] })])
    expect([cluster.has('b/2').length, cluster.codes('b/2')]).toEqual(may ? [1, []] : [0, ['ADDRESS_IN_USE']])
  })

  it('lasts while claims say so, and after the planner begins anew', () => {
    const requests = [aRequest('a/1', key), aRequest('a/2', { ...key, ports: [aPort(443)], createdAtInMs: 1 })]
    const claims = [{ address: '192.168.9.5', pool: 'demo', holders: ['a/1', 'a/2'] }]
    const cluster = new Cluster([DEMO], requests, claims)
    expect([cluster.has('a/1'), cluster.has('a/2')]).toEqual([['192.168.9.5'], ['192.168.9.5']])
    cluster.ask(aRequest('a/1', { ...key, ports: [aPort(8080)] }))
    cluster.ask(aRequest('a/2', { ...key, ports: [aPort(8443)], createdAtInMs: 1 }))
    expect([cluster.has('a/1'), cluster.has('a/2')]).toEqual([['192.168.9.5'], ['192.168.9.5']])
    cluster.ask(aRequest('a/2', { ...key, ports: [aPort(8080)], createdAtInMs: 1 }))
    expect([cluster.has('a/1'), cluster.has('a/2')]).toEqual([['192.168.9.5'], ['192.168.9.0']])
  })

  it('ends for the younger one when ports come to be the same, whoever changed', () => {
    const young = aRequest('a/young', { ...key, ports: [aPort(443)], createdAtInMs: 9 })
    const old = aRequest('b/old', key)
    const cluster = new Cluster([DEMO], [young, old])
    cluster.ask({ ...old, ports: [aPort(443)] })
    expect([cluster.has('b/old'), cluster.has('a/young')]).toEqual([['192.168.9.0'], ['192.168.9.1']])
  })
})

describe('a change of pools', () => {
  const held = () => new Cluster([DEMO], [aRequest('a/1'), aRequest('a/2')])
  const small = (part: Partial<AddressPool> = {}) => aPool('demo', ['192.168.9.1-192.168.9.9'], part)

  it('takes no address away', () => {
    const cluster = held()
    cluster.pool(small())
    expect([cluster.has('a/1'), cluster.codes('a/1')]).toEqual([['192.168.9.0'], ['ADDRESS_OUTSIDE_POOL']])
    expect(cluster.planner.findingsOf('a/1')[0]?.subjects).toEqual(['ipaddresspool/metallb-system/demo', 'service/a/1'])
    cluster.pools.clear()
    cluster.tell([{ kind: 'pool', key: DEMO.key }])
    expect([cluster.has('a/1'), cluster.has('a/2')]).toEqual([['192.168.9.0'], ['192.168.9.1']])
    cluster.pool(DEMO)
    expect(cluster.planner.findings).toEqual([])
  })

  it('takes it away when its author says so', () => {
    const cluster = held()
    cluster.pool(small({ mayMove: true }))
    expect([cluster.has('a/1'), cluster.has('a/2')]).toEqual([['192.168.9.2'], ['192.168.9.1']])
  })

  it('takes both of another pool when its author lets one family go, and one where there is no other', () => {
    const both = aPool('both', ['192.168.9.0-192.168.9.9', 'fd00:9::-fd00:9::9'], { mayMove: true })
    const six = { ...both, spans: both.spans.slice(1) }
    const other = aPool('other', ['192.168.8.0-192.168.8.9', 'fd00:8::-fd00:8::9'])
    const dual = aRequest('a/1', { families: ['ipv4', 'ipv6'], needsAll: false })
    const alone = new Cluster([both], [dual])
    alone.pool(six)
    expect(alone.has('a/1')).toEqual(['fd00:9::'])
    const beside = new Cluster([both, other], [dual])
    expect(beside.has('a/1')).toEqual(['192.168.9.0', 'fd00:9::'])
    beside.pool(six)
    expect(beside.has('a/1')).toEqual(['192.168.8.0', 'fd00:8::'])
  })

  it('lets an address be of another pool that has it now', () => {
    const cluster = held()
    cluster.pools.clear()
    cluster.pool(DEMO, aPool('new', ['192.168.9.0-192.168.9.9']))
    cluster.pools.delete(DEMO.key)
    cluster.tell([{ kind: 'pool', key: DEMO.key }])
    expect(cluster.planner.given('a/1')).toMatchObject({ addresses: ['192.168.9.0'], pool: 'new' })
    expect(cluster.planner.findings).toEqual([])
  })

  it('gives addresses in two pools to the older one', () => {
    const older = aPool('older', ['10.0.0.1-10.0.0.2'], { createdAtInMs: 1 })
    const younger = aPool('a-younger', ['10.0.0.0-10.0.0.3'], { createdAtInMs: 2 })
    const cluster = new Cluster([younger, older], [aRequest('a/1'), aRequest('a/2'), aRequest('a/3'), aRequest('a/4')])
    expect(['a/1', 'a/2', 'a/3', 'a/4'].map((key) => cluster.planner.given(key).pool)).toEqual([
      'a-younger',
      'a-younger',
      'older',
      'older',
    ])
    expect(cluster.has('a/2')).toEqual(['10.0.0.3'])
    expect(cluster.planner.findings.map(({ code }) => code.name)).toEqual(['ADDRESS_POOLS_OVERLAP'])
  })
})

it('gives a hundred thousand addresses in steps that grow as a logarithm', () => {
  const keys = Array.from({ length: 100_000 }, (_, at) => `a/${at}`)
  const pools = byKey(aPool('huge', ['fd00:9::-fd00:9::ffff:ffff:ffff:ffff']))
  const requests = byKey(...keys.map((key) => aRequest(key, { families: ['ipv6'] })))
  const planner = createAddressPlanner()
  const input = { pools, requests: new Map(requests), claims: new Map(), namespaces: new Map() }
  planner.update(input, [])
  const gone = keys.filter((_, at) => at % 2 === 0)
  for (const key of gone) input.requests.delete(key)
  planner.update(
    input,
    gone.map((key) => ({ kind: 'request', key })),
  )
  expect(planner.counts('metallb-system/huge').assigned.ipv6).toBe(50_000)
  const before = planner.steps
  for (const key of keys.slice(0, 100)) {
    input.requests.set(`b/${key}`, aRequest(`b/${key}`, { families: ['ipv6'] }))
    planner.update(input, [{ kind: 'request', key: `b/${key}` }])
  }
  expect((planner.steps - before) / 100).toBeLessThan(60)
  expect(planner.steps / 150_000).toBeLessThan(60)
})
