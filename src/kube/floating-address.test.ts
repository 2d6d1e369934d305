import { describe, expect, it } from 'vitest'
import { convertFloatingAddress, convertFloatingRequest, type FloatingAddressObject } from './floating-address.ts'

const SELECTOR = { matchLabels: { app: 'edge' } }
function object(spec: unknown, status: unknown = {}): FloatingAddressObject {
  return { metadata: { namespace: 'default', name: 'edge' }, spec, status } as FloatingAddressObject
}

describe('a FloatingAddress', () => {
  it('is read with what was given to it, and where it may be', () => {
    const spec = {
      ...{ addresses: ['192.168.10.1', 'FD00::1'], selector: SELECTOR, l2: { interfaces: ['eth1', 'eth0'] } },
      ...{ bgp: { peers: ['tor'], communities: ['64513:1'], localPref: 7 }, nodeSelectors: [{ matchLabels: { edge: '' } }] },
    }
    const status = { addresses: ['192.168.10.1', 'fd00::1'], candidates: [{ node: 'n1', pod: 'a' }] }
    expect(convertFloatingAddress(object(spec, status))).toEqual({
      findings: [],
      value: {
        ...{ key: 'default/edge', name: 'edge', labels: {}, addresses: ['192.168.10.1', 'fd00::1'], addressPool: '' },
        candidates: [{ node: 'n1', pod: 'a' }],
        pods: [{ key: 'app', is: 'in', values: ['edge'] }],
        nodes: [[{ key: 'edge', is: 'in', values: [''] }]],
        l2: { interfaces: ['eth0', 'eth1'] },
        bgp: { peers: ['tor'], communities: ['64513:1'], localPreference: 7 },
      },
    })
  })

  it('has no address before one is given, and none that it does not ask for any more', () => {
    const spec = { addresses: ['192.168.10.1'], selector: SELECTOR }
    expect(convertFloatingAddress(object(spec)).value?.addresses).toEqual([])
    expect(convertFloatingAddress(object(spec, { addresses: ['192.168.10.2'] })).value?.addresses).toEqual([])
  })

  it('asks for just the addresses that it names, also of no pool; or for one of each family of its pool', () => {
    const named = convertFloatingRequest(object({ addresses: ['192.168.10.1'], selector: SELECTOR })).value
    expect(named).toMatchObject({
      ...{ key: 'floatingaddress/default/edge', families: ['ipv4'], needsAll: true, mayBeOutside: true, pool: '' },
      addresses: ['192.168.10.1'],
    })
    const pooled = convertFloatingRequest(object({ pool: 'float', selector: SELECTOR })).value
    expect(pooled).toMatchObject({
      families: ['ipv4', 'ipv6'],
      needsAll: false,
      mayBeOutside: false,
      pool: 'float',
      addresses: [],
    })
    const six = convertFloatingRequest(object({ pool: 'float', ipFamilies: ['IPv6'], selector: SELECTOR })).value
    expect(six).toMatchObject({ families: ['ipv6'], needsAll: true })
  })

  it.each([
    ['no spec', undefined, 'must have either addresses or pool'],
    ['both', { addresses: ['192.168.10.1'], pool: 'a', selector: SELECTOR }, 'must have either addresses or pool'],
    [
      'an address of no machine',
      { addresses: ['224.0.0.5'], selector: SELECTOR },
      'spec.addresses[0] is "224.0.0.5", which is not a unicast address that others can reach',
    ],
    ['no address', { addresses: ['edge'], selector: SELECTOR }, 'spec.addresses[0] is "edge", which is not an IP address'],
    ['two of a family', { addresses: ['192.168.10.1', '192.168.10.2'], selector: SELECTOR }, 'has two of one family'],
    ['every pod', { pool: 'a', selector: {} }, 'chooses every pod'],
    ['addresses of another shape', { addresses: 7, selector: SELECTOR }, 'spec.addresses is 7, which is not a list'],
  ])('of %s is not used, and that is told', (_what, spec, sentence) => {
    const read = [convertFloatingAddress(object(spec)), convertFloatingRequest(object(spec))]
    for (const { value, findings } of read) {
      expect(value).toBeUndefined()
      expect(findings.map(({ message }) => message).join(' ')).toContain(sentence)
      expect(findings[0]?.subjects).toEqual(['floatingaddress/default/edge'])
    }
  })

  it('minds a status of any shape', () => {
    const spec = { pool: 'a', selector: SELECTOR }
    for (const status of [
      null,
      7,
      { addresses: 7, candidates: 'n1' },
      { addresses: [null, 'x'], candidates: [null, 7, { node: 'n1' }] },
    ])
      expect(convertFloatingAddress(object(spec, status)).value).toMatchObject({ addresses: [], candidates: [] })
  })
})
